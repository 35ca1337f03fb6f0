// SPDX-License-Identifier: Apache-2.0
// A model's metadata is composed on chain like its magnet link: no server is needed to show what a token is.
pragma solidity ^0.8.37;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {Magnet} from "./Magnet.sol";
import {IModel} from "./interfaces/IModel.sol";

/// @title Metadata of models (ERC-721's JSON schema, with members of our own)
library ModelMetadata {
    using Strings for *;

    /// @notice A `data:` URI of JSON. Its strings are escaped; a name that is no UTF-8 stays none.
    function uri(IModel.ModelData memory data, uint8 flags) internal pure returns (string memory) {
        string memory link = Magnet.link(data.infoHash, data.name, data.size, data.sources);
        string memory text = string.concat(
            '{"name":"',
            data.name.escapeJSON(),
            '","description":"A 3D model carried by BitTorrent.","magnet":"',
            link.escapeJSON(),
            '","content_sha256":"',
            uint256(data.contentHash).toHexString(32)
        );
        text = string.concat(
            text,
            '","size":',
            uint256(data.size).toString(),
            ',"gate":"',
            data.gate.toHexString(),
            '","flags":',
            uint256(flags).toString(),
            "}"
        );
        return string.concat("data:application/json;base64,", Base64.encode(bytes(text)));
    }
}
