#pragma once
#include "compiler/lower/context.h"
#include "compiler/lower/expressions.h"

namespace upg::lower {

/// Makes room for every declaration, so that the ids of the Program hold in the plan, and the sets of hosts that names
/// stand for.
void reserve_tables(Context &context);
/// The site, roles and the rules of modules: tables that the Program holds ready.
void lower_site(Context &context);
void lower_roles(Context &context);
void lower_rules(Context &context);
/// Names, window and claims of the chosen upgrade; not its blocks.
void lower_head(Context &context);
/// `initially` and `finally`: what must be so of states, for the hosts of a set or for the cluster.
void lower_claims(Context &context, Expressions &expressions, const ast::UpgradeDecl &upgrade, sema::ModuleId module);

}  // namespace upg::lower
