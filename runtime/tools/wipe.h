#pragma once

namespace upg::run {

/// Overwrites what calls that have returned left behind below the caller's frame.
void wipe_stack();

}  // namespace upg::run
