// SPDX-License-Identifier: Apache-2.0
// What may stand on chain as the name of a machine. An IP address must not: it tells where somebody lives.
pragma solidity ^0.8.37;

/// @title Host names (RFC 1123, section 2.1)
library HostName {
    uint256 private constant MAX_LENGTH = 253;
    uint256 private constant MAX_LABEL_LENGTH = 63;

    /// @notice Whether this is a host name of at least two labels, in lower case and without a dot at its end. No IP
    /// address is one: the last label has to begin with a letter, and the colons of IPv6 are no characters of a name.
    function isValid(string calldata name) internal pure returns (bool) {
        bytes calldata text = bytes(name);
        if (text.length > MAX_LENGTH) return false;
        uint256 start = 0; // of the label
        for (uint256 i = 0; i < text.length; ++i) {
            if (text[i] == ".") {
                if (!_isLabel(text[start:i])) return false;
                start = i + 1;
            }
        }
        // Readers take 1.2.3.4, 1.2 and 1.0x2 for IPv4 addresses: all of them end in a label that begins with a digit.
        return start != 0 && _isLabel(text[start:]) && _isLetter(text[start]);
    }

    function _isLabel(bytes calldata label) private pure returns (bool) {
        if (label.length == 0 || label.length > MAX_LABEL_LENGTH) return false;
        if (label[0] == "-" || label[label.length - 1] == "-") return false;
        for (uint256 i = 0; i < label.length; ++i) {
            bool isDigit = label[i] >= "0" && label[i] <= "9";
            if (!isDigit && !_isLetter(label[i]) && label[i] != "-") return false;
        }
        return true;
    }

    function _isLetter(bytes1 char) private pure returns (bool) {
        return char >= "a" && char <= "z";
    }
}
