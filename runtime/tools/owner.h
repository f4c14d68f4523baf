#pragma once
#include <string>

namespace upg::run {

/// What this process calls itself as the owner of locks: USER@HOST:MACHINE:BOOT:PID-NAMESPACE:PID:START.
std::string lock_owner();

/// Whether the process that called itself so is certainly gone: it was of this machine, and of another boot or not
/// among its processes any more. Of a process elsewhere nobody can tell.
bool owner_is_dead(const std::string &owner);

}  // namespace upg::run
