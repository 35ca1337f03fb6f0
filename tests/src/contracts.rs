//! The contracts' functions and events as their interfaces have them, for those who call them by
//! the thousand.

#![allow(missing_docs, clippy::too_many_arguments)] // generated, and documented where they come from

use alloy::sol;

sol!("../contracts/src/interfaces/ILand.sol");
sol!("../contracts/src/interfaces/IModel.sol");
sol!("../contracts/src/interfaces/IPlacement.sol");
sol! {
    interface IToken {
        event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
        event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId);
        event ApprovalForAll(address indexed owner, address indexed operator, bool approved);
        function approve(address to, uint256 tokenId) external;
        function setApprovalForAll(address operator, bool approved) external;
        function transferFrom(address from, address to, uint256 tokenId) external;
    }
}
