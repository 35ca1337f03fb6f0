//! The chain as the box has read it: blocks, events, the projected grid, linked wallets.
