"""Makes light-client vectors of Electra and Fulu, independently of the crate that they test.

The containers are those of the consensus specifications (minimal preset), hashed and proved by
remerkleable, signed by py_ecc; generalized indices follow from the containers themselves. Run in
this folder: `pip install remerkleable==0.1.28 py_ecc==8.0.0 && python generate.py`.
"""

import hashlib
import json
from pathlib import Path as File

from py_ecc.bls import G2ProofOfPossession as bls
from py_ecc.optimized_bls12_381 import curve_order
from remerkleable.basic import boolean, uint8, uint64, uint256
from remerkleable.bitfields import Bitvector
from remerkleable.byte_arrays import ByteList, Bytes4, Bytes32, Bytes48, Bytes96, ByteVector
from remerkleable.complex import Container, List, Vector
from remerkleable.core import Path

COMMITTEE = 32
SLOTS_PER_EPOCH = 8
EPOCHS_PER_PERIOD = 8
GENESIS_VALIDATORS_ROOT = hashlib.sha256(b"genesis validators").digest()
FORKS = [("capella", 3, 0), ("deneb", 4, 0), ("electra", 5, 0), ("fulu", 6, 4)]
Address = ByteVector[20]


class Fork(Container):
    previous_version: Bytes4
    current_version: Bytes4
    epoch: uint64


class ForkData(Container):
    current_version: Bytes4
    genesis_validators_root: Bytes32


class SigningData(Container):
    object_root: Bytes32
    domain: Bytes32


class Checkpoint(Container):
    epoch: uint64
    root: Bytes32


class BeaconBlockHeader(Container):
    slot: uint64
    proposer_index: uint64
    parent_root: Bytes32
    state_root: Bytes32
    body_root: Bytes32


class Eth1Data(Container):
    deposit_root: Bytes32
    deposit_count: uint64
    block_hash: Bytes32


class Validator(Container):
    pubkey: Bytes48
    withdrawal_credentials: Bytes32
    effective_balance: uint64
    slashed: boolean
    activation_eligibility_epoch: uint64
    activation_epoch: uint64
    exit_epoch: uint64
    withdrawable_epoch: uint64


class SyncCommittee(Container):
    pubkeys: Vector[Bytes48, COMMITTEE]
    aggregate_pubkey: Bytes48


class SyncAggregate(Container):
    sync_committee_bits: Bitvector[COMMITTEE]
    sync_committee_signature: Bytes96


class Withdrawal(Container):
    index: uint64
    validator_index: uint64
    address: Address
    amount: uint64


Transaction = ByteList[2**30]
Transactions = List[Transaction, 2**20]
Withdrawals = List[Withdrawal, 4]


class ExecutionPayload(Container):
    parent_hash: Bytes32
    fee_recipient: Address
    state_root: Bytes32
    receipts_root: Bytes32
    logs_bloom: ByteVector[256]
    prev_randao: Bytes32
    block_number: uint64
    gas_limit: uint64
    gas_used: uint64
    timestamp: uint64
    extra_data: ByteList[32]
    base_fee_per_gas: uint256
    block_hash: Bytes32
    transactions: Transactions
    withdrawals: Withdrawals
    blob_gas_used: uint64
    excess_blob_gas: uint64


class ExecutionPayloadHeader(Container):
    parent_hash: Bytes32
    fee_recipient: Address
    state_root: Bytes32
    receipts_root: Bytes32
    logs_bloom: ByteVector[256]
    prev_randao: Bytes32
    block_number: uint64
    gas_limit: uint64
    gas_used: uint64
    timestamp: uint64
    extra_data: ByteList[32]
    base_fee_per_gas: uint256
    block_hash: Bytes32
    transactions_root: Bytes32
    withdrawals_root: Bytes32
    blob_gas_used: uint64
    excess_blob_gas: uint64


class BeaconBlockBody(Container):
    # Empty lists are written as lists of roots: only their limits are in the hash.
    randao_reveal: Bytes96
    eth1_data: Eth1Data
    graffiti: Bytes32
    proposer_slashings: List[Bytes32, 16]
    attester_slashings: List[Bytes32, 1]
    attestations: List[Bytes32, 8]
    deposits: List[Bytes32, 16]
    voluntary_exits: List[Bytes32, 16]
    sync_aggregate: SyncAggregate
    execution_payload: ExecutionPayload
    bls_to_execution_changes: List[Bytes32, 16]
    blob_kzg_commitments: List[Bytes48, 4096]
    execution_requests: Bytes32


class ElectraState(Container):
    genesis_time: uint64
    genesis_validators_root: Bytes32
    slot: uint64
    fork: Fork
    latest_block_header: BeaconBlockHeader
    block_roots: Vector[Bytes32, 64]
    state_roots: Vector[Bytes32, 64]
    historical_roots: List[Bytes32, 2**24]
    eth1_data: Eth1Data
    eth1_data_votes: List[Eth1Data, 32]
    eth1_deposit_index: uint64
    validators: List[Validator, 2**40]
    balances: List[uint64, 2**40]
    randao_mixes: Vector[Bytes32, 64]
    slashings: Vector[uint64, 64]
    previous_epoch_participation: List[uint8, 2**40]
    current_epoch_participation: List[uint8, 2**40]
    justification_bits: Bitvector[4]
    previous_justified_checkpoint: Checkpoint
    current_justified_checkpoint: Checkpoint
    finalized_checkpoint: Checkpoint
    inactivity_scores: List[uint64, 2**40]
    current_sync_committee: SyncCommittee
    next_sync_committee: SyncCommittee
    latest_execution_payload_header: ExecutionPayloadHeader
    next_withdrawal_index: uint64
    next_withdrawal_validator_index: uint64
    historical_summaries: List[Bytes32, 2**24]
    deposit_requests_start_index: uint64
    deposit_balance_to_consume: uint64
    exit_balance_to_consume: uint64
    earliest_exit_epoch: uint64
    consolidation_balance_to_consume: uint64
    earliest_consolidation_epoch: uint64
    pending_deposits: List[Bytes32, 2**27]
    pending_partial_withdrawals: List[Bytes32, 64]
    pending_consolidations: List[Bytes32, 64]


class FuluState(ElectraState):
    proposer_lookahead: Vector[uint64, 2 * SLOTS_PER_EPOCH]


def depth(state, *path):
    return gindex(state, *path).bit_length() - 1


def gindex(kind, *path):
    place = Path(kind)
    for step in path:
        place = place / step
    return place.gindex()


class LightClientHeader(Container):
    beacon: BeaconBlockHeader
    execution: ExecutionPayloadHeader
    execution_branch: Vector[Bytes32, depth(BeaconBlockBody, "execution_payload")]


class LightClientBootstrap(Container):
    header: LightClientHeader
    current_sync_committee: SyncCommittee
    current_sync_committee_branch: Vector[Bytes32, depth(ElectraState, "current_sync_committee")]


class LightClientUpdate(Container):
    attested_header: LightClientHeader
    next_sync_committee: SyncCommittee
    next_sync_committee_branch: Vector[Bytes32, depth(ElectraState, "next_sync_committee")]
    finalized_header: LightClientHeader
    finality_branch: Vector[Bytes32, depth(ElectraState, "finalized_checkpoint", "root")]
    sync_aggregate: SyncAggregate
    signature_slot: uint64


def branch(value, *path):
    index = gindex(type(value), *path)
    nodes = []
    while index > 1:
        nodes.append(bytes(value.get_backing().getter(index ^ 1).merkle_root()))
        index //= 2
    return nodes


def digest(*words):
    return hashlib.sha256(" ".join(map(str, words)).encode()).digest()


def secrets(period):
    return [int.from_bytes(digest("key", period, i), "big") % curve_order for i in range(COMMITTEE)]


COMMITTEES = {}


def committee(period):
    if period not in COMMITTEES:
        keys = [bls.SkToPk(secret) for secret in secrets(period)]
        COMMITTEES[period] = SyncCommittee(pubkeys=keys, aggregate_pubkey=bls._AggregatePKs(keys))
    return COMMITTEES[period]


def fork_at(slot):
    return [fork for fork in FORKS if fork[2] <= slot // SLOTS_PER_EPOCH][-1]


def period_of(slot):
    return slot // (SLOTS_PER_EPOCH * EPOCHS_PER_PERIOD)


class Block:
    def __init__(self, slot, finalized=None):
        self.finalized = finalized
        payload = ExecutionPayload(
            parent_hash=digest("parent", slot), fee_recipient=digest("fee", slot)[:20],
            state_root=digest("state", slot), receipts_root=digest("receipts", slot),
            logs_bloom=digest("bloom", slot) * 8, prev_randao=digest("randao", slot),
            block_number=1000 + slot, gas_limit=36_000_000, gas_used=21_000 + slot,
            timestamp=1_700_000_000 + 6 * slot, extra_data=b"made for tests",
            base_fee_per_gas=2**70 + slot, block_hash=digest("hash", slot),
            transactions=[Transaction(digest("tx", slot) * 5)],
            withdrawals=[Withdrawal(index=slot, validator_index=3, address=digest("to")[:20], amount=5)],
            blob_gas_used=131_072, excess_blob_gas=slot)
        fields = {name: getattr(payload, name) for name in ExecutionPayloadHeader.fields()
                  if name not in ("transactions_root", "withdrawals_root")}
        header = ExecutionPayloadHeader(
            transactions_root=payload.transactions.hash_tree_root(),
            withdrawals_root=payload.withdrawals.hash_tree_root(), **fields)
        assert header.hash_tree_root() == payload.hash_tree_root()
        body = BeaconBlockBody(graffiti=digest("graffiti", slot), execution_payload=payload)
        kind = FuluState if fork_at(slot)[0] == "fulu" else ElectraState
        self.state = kind(
            slot=slot, genesis_validators_root=GENESIS_VALIDATORS_ROOT,
            balances=[32_000_000_000] * 4, current_sync_committee=committee(period_of(slot)),
            next_sync_committee=committee(period_of(slot) + 1),
            latest_execution_payload_header=header)
        if finalized:
            self.state.finalized_checkpoint = Checkpoint(
                epoch=finalized.header.beacon.slot // SLOTS_PER_EPOCH,
                root=finalized.header.beacon.hash_tree_root())
        beacon = BeaconBlockHeader(
            slot=slot, proposer_index=2, parent_root=digest("parent block", slot),
            state_root=self.state.hash_tree_root(), body_root=body.hash_tree_root())
        self.header = LightClientHeader(
            beacon=beacon, execution=header, execution_branch=branch(body, "execution_payload"))

    def bootstrap(self):
        return LightClientBootstrap(
            header=self.header, current_sync_committee=self.state.current_sync_committee,
            current_sync_committee_branch=branch(self.state, "current_sync_committee"))

    def update(self, signature_slot, absent):
        signed_by = [i for i in range(COMMITTEE) if i not in absent]
        _, version, _ = fork_at(signature_slot - 1)
        fork_data = ForkData(current_version=bytes([version, 0, 0, 1]),
                             genesis_validators_root=GENESIS_VALIDATORS_ROOT)
        domain = bytes([7, 0, 0, 0]) + bytes(fork_data.hash_tree_root())[:28]
        message = bytes(SigningData(object_root=self.header.beacon.hash_tree_root(), domain=domain)
                        .hash_tree_root())
        keys = secrets(period_of(signature_slot))
        signature = bls.Aggregate([bls.Sign(keys[i], message) for i in signed_by])
        return LightClientUpdate(
            attested_header=self.header, next_sync_committee=self.state.next_sync_committee,
            next_sync_committee_branch=branch(self.state, "next_sync_committee"),
            finalized_header=self.finalized.header,
            finality_branch=branch(self.state, "finalized_checkpoint", "root"),
            sync_aggregate=SyncAggregate(
                sync_committee_bits=[i in signed_by for i in range(COMMITTEE)],
                sync_committee_signature=signature),
            signature_slot=signature_slot)


def main():
    assert gindex(ElectraState, "finalized_checkpoint", "root") == 169
    assert gindex(FuluState, "current_sync_committee") == 86
    start = Block(8)
    File("bootstrap.ssz").write_bytes(start.bootstrap().encode_bytes())
    steps = []
    for attested, finalized, signed, absent in [
        (24, 16, 25, []),          # Electra
        (31, 16, 32, [0, 31]),     # signed in Fulu's first slot, of Electra's last block
        (34, 24, 35, [7]),         # Fulu, final in Electra
        (80, 72, 82, [1, 2, 3]),   # the next period's committee
    ]:
        update = Block(attested, Block(finalized)).update(signed, absent)
        name = f"update-{attested}.ssz"
        File(name).write_bytes(update.encode_bytes())
        final = update.finalized_header
        steps.append({
            "fork": fork_at(attested)[0], "update": name, "current_slot": signed,
            "finalized_slot": finalized, "optimistic_slot": attested,
            "finalized_root": "0x" + bytes(final.beacon.hash_tree_root()).hex(),
            "block_hash": "0x" + bytes(final.execution.block_hash).hex(),
            "state_root": "0x" + bytes(final.execution.state_root).hex(),
        })
    network = {
        "genesis_validators_root": "0x" + GENESIS_VALIDATORS_ROOT.hex(), "genesis_time": 1_700_000_000,
        "seconds_per_slot": 6, "preset": "minimal",
        "forks": [{"fork": name, "version": f"0x{version:02x}000001", "epoch": epoch}
                  for name, version, epoch in FORKS],
    }
    suite = {"network": network, "trusted_root": "0x" + bytes(start.header.beacon.hash_tree_root()).hex(),
             "bootstrap_fork": fork_at(8)[0], "steps": steps}
    File("suite.json").write_text(json.dumps(suite, indent=1) + "\n")


main()
