#pragma once
#include <string>
#include <vector>

#include "runtime/plan/plan.h"

namespace upg::run {

/// Nothing of this process reaches a core dump, and no other process of the user may look into its memory.
void keep_out_of_dumps();

/// A variable of the environment that held a secret and has been read: overwritten and gone, before any child is
/// started and for whoever looks into /proc.
void forget_variable(const std::string &variable);

/// The plan's secrets in its own order, each from where `sources` ("NAME=SOURCE", see --secret) or else the plan says;
/// false, with the reason printed, if one cannot be had. The secret named `become` is the password for sudo, also if
/// only `sources` names it; without one, the service manager's credential `upg.sudo` is, if there is such. What came
/// out of the environment is no longer in it afterwards: neither commands on the controller nor /proc get to see it.
bool collect_secrets(const plan::Plan &plan, const std::vector<std::string> &sources, std::vector<std::string> &secrets,
                     std::string &sudo);

}  // namespace upg::run
