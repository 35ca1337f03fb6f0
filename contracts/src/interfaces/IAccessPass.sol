// SPDX-License-Identifier: Apache-2.0
// What AccessPass adds to a gate. Imports nothing, so that other languages can read the file alone.
pragma solidity ^0.8.37;

/// @title Passes to models and parcels, for a time, paid in CYBR
/// @notice A pass is for a subject: the model with token id `m` is the subject `m`, the parcel with token id `p` the
/// subject `2^255 + p`.
interface IAccessPass {
    /// @notice What a subject's owner asks for.
    /// @param price Of one period, in CYBR's smallest unit; may be zero.
    /// @param period Seconds; zero if passes are not for sale.
    struct Offer {
        uint128 price;
        uint64 period;
    }

    /// @notice A signature by which the caller lets this contract spend CYBR (ERC-2612).
    struct Permit {
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @notice A subject's owner asks for something else now.
    event OfferChanged(uint256 indexed subject, uint128 price, uint64 period);

    /// @notice A user's pass was bought, prolonged or given.
    /// @param payer Who paid, or the owner who gave it.
    /// @param cost What was paid to the subject's owner.
    /// @param expiry The time, in seconds since 1970, from which the pass is no longer valid.
    event PassExtended(
        uint256 indexed subject, address indexed user, address indexed payer, uint256 cost, uint64 expiry
    );

    /// @notice Only the subject's owner may do this.
    error NotSubjectOwner(address caller, uint256 subject);
    /// @notice The subject's owner sells no passes.
    error NotForSale(uint256 subject);
    /// @notice At least one period has to be bought.
    error ZeroPeriods();
    /// @notice It costs more than the caller was ready to pay.
    error TooDear(uint256 cost, uint256 maxCost);
    /// @notice The pass is valid as long already.
    error NotLater(uint64 expiry, uint256 present);

    /// @notice Sets what a pass costs. Only the subject's owner may. Later owners sell on the same terms until they
    /// change them.
    function setOffer(uint256 subject, Offer calldata offer) external;

    /// @notice Gives a pass. Only the subject's owner may. Nobody can shorten one.
    /// @param expiry Seconds since 1970.
    function give(uint256 subject, address user, uint64 expiry) external;

    /// @notice Buys a pass, or prolongs one that is valid. The subject's owner is paid at once by the caller, who has
    /// approved this contract for it.
    /// @param user Who gets the pass.
    /// @param periods How many.
    /// @param maxCost What the caller is ready to pay: the offer may change before the transaction is carried out.
    function buy(uint256 subject, address user, uint32 periods, uint256 maxCost) external;

    /// @notice The same, with the approval of `maxCost` by signature.
    function buyWithPermit(uint256 subject, address user, uint32 periods, uint256 maxCost, Permit calldata permit)
        external;

    /// @notice When a user's pass ends or ended, in seconds since 1970; zero if there never was one.
    function expiryOf(uint256 subject, address user) external view returns (uint256);

    /// @notice What the subject's owner asks for.
    function offerOf(uint256 subject) external view returns (Offer memory);

    /// @notice Whether a user has a valid pass to a parcel.
    function mayEnter(uint256 parcelId, address user) external view returns (bool);

    /// @notice A parcel as a subject.
    function parcelSubject(uint256 parcelId) external pure returns (uint256);
}
