// Puts a wallet into a page of a real browser, as an extension would (EIP-1193), for tests. Its EIP-712 is its own, so
// that the library's is not tested by itself.
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 as keccak } from "@noble/hashes/sha3.js";

const utf8 = (text) => new TextEncoder().encode(text);
const hex = (bytes) => `0x${Buffer.from(bytes).toString("hex")}`;
const word = (value) => Buffer.from(BigInt(value).toString(16).padStart(64, "0"), "hex");

/** The hash of what is signed; fields are numbers, addresses or 32 bytes. */
function hashOf({ domain, types, primaryType, message }) {
  const fields = types[primaryType].map(({ name, type }) => `${type} ${name}`).join();
  const place = [
    keccak(utf8("EIP712Domain(string name,string version,uint256 chainId)")),
    keccak(utf8(domain.name)),
    keccak(utf8(domain.version)),
    word(domain.chainId),
  ];
  const words = types[primaryType].map(({ name }) => word(message[name]));
  const said = [keccak(utf8(`${primaryType}(${fields})`)), ...words];
  return keccak(Buffer.concat([Buffer.of(0x19, 0x01), keccak(Buffer.concat(place)), keccak(Buffer.concat(said))]));
}

/** Gives the page a wallet with this private key, on the chain 31337; answers its address. */
export async function giveWallet(page, secret) {
  const address = hex(keccak(secp256k1.getPublicKey(secret, false).subarray(1)).subarray(12));
  const answers = {
    eth_requestAccounts: () => [address],
    eth_chainId: () => "0x7a69",
    eth_signTypedData_v4: ([, data]) => {
      const options = { prehash: false, format: "recovered" };
      const [recovery, ...signature] = secp256k1.sign(hashOf(JSON.parse(data)), secret, options);
      return hex([...signature, recovery + 27]);
    },
  };
  await page.exposeFunction("askWallet", ({ method, params }) => answers[method](params));
  await page.addInitScript(() => {
    globalThis.ethereum = { request: (request) => globalThis.askWallet(request) };
  });
  return address;
}
