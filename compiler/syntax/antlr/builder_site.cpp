#include <utility>

#include "UpgParser.h"
#include "compiler/syntax/antlr/builder.h"

namespace upg::syntax {

using P = UpgParser;

// ---- clusters
// --------------------------------------------------------------------------------------------------------

ast::ClusterDecl Builder::cluster_decl(Context *context) {
  Cursor cursor(context);
  cursor.take(P::CLUSTER);
  ast::ClusterDecl result;
  result.name = name(cursor.take_rule(P::RuleName));
  each_item(cursor.take_rule(P::RuleClusterBody), P::RuleClusterItem,
            [&](Context *item) { result.items.push_back(cluster_item(item)); });
  return result;
}

ast::ClusterItem Builder::cluster_item(Context *context) {
  Cursor cursor(context);
  ast::ClusterItem result;
  result.range = range(context);
  if (cursor.token() == P::IMPORT) {
    result.node = inventory_import(cursor);
  } else if (cursor.rule() == P::RuleHostDecl) {
    result.doc = doc_above(first(context));
    host_decl(cursor.take_rule(), result);
  } else {
    result.node = attribute(cursor.take_rule(P::RuleAttribute));
  }
  return result;
}

ast::InventoryImport Builder::inventory_import(Cursor &cursor) {
  ast::InventoryImport result;
  cursor.take(P::IMPORT);
  result.path = string(cursor.take_rule(P::RuleString));
  if (cursor.done()) return result;
  each_item(cursor.take_rule(P::RuleImportBody), P::RuleImportItem, [&](Context *item) {
    Cursor parts(item);
    parts.take(P::GROUP);
    ast::GroupMapping mapping;
    mapping.range = range(item);
    mapping.group = string(parts.take_rule(P::RuleString));
    parts.take(P::AS);
    mapping.roles = refs(parts.take_rule(P::RuleRefs));
    result.groups.push_back(std::move(mapping));
  });
  return result;
}

/// `host a out "why"` or `host a "address", b { }`
void Builder::host_decl(Context *context, ast::ClusterItem &item) {
  Cursor cursor(context);
  cursor.take(P::HOST);
  ast::HostDecl hosts;
  do {
    ast::HostHead head;
    head.name = name(cursor.take_rule(P::RuleHostName));
    if (cursor.accept(P::OUT)) {
      item.node = ast::HostOut{std::move(head.name), string(cursor.take_rule(P::RuleString))};
      return;
    }
    if (cursor.rule() == P::RuleString) head.address = string(cursor.take_rule());
    hosts.hosts.push_back(std::move(head));
  } while (cursor.accept(P::COMMA));
  each_item(cursor.take_rule(P::RuleHostBody), P::RuleHostItem,
            [&](Context *part) { hosts.items.push_back(host_item(part)); });
  item.node = std::move(hosts);
}

ast::HostItem Builder::host_item(Context *context) {
  Cursor cursor(context);
  if (cursor.accept(P::ROLES)) return {ast::HostRoles{refs(cursor.take_rule(P::RuleRefs))}, range(context)};
  if (cursor.accept(P::VIA)) return {ast::HostVia{name(cursor.take_rule(P::RuleHostName))}, range(context)};
  if (cursor.accept(P::GUEST)) {
    cursor.take(P::OF);
    ast::HostGuest guest{qname(cursor.take_rule(P::RuleQname)), std::nullopt};
    if (cursor.accept(P::AT)) guest.at = ref(cursor.take_rule(P::RuleRef));
    return {std::move(guest), range(context)};
  }
  return {attribute(cursor.take_rule(P::RuleAttribute)), range(context)};
}

ast::Attribute Builder::attribute(Context *context) {
  Cursor cursor(context);
  ast::Attribute result;
  result.name = name(cursor.take_rule(P::RuleAttributeName));
  result.value = expr(cursor.take_rule());
  return result;
}

// ---- roles and states
// ------------------------------------------------------------------------------------------------

ast::RoleDecl Builder::role_decl(Context *context) {
  Cursor cursor(context);
  cursor.take(P::ROLE);
  ast::RoleDecl result;
  result.name = name(cursor.take_rule(P::RuleName));
  each_item(cursor.take_rule(P::RuleRoleBody), P::RuleRoleItem,
            [&](Context *item) { result.items.push_back(role_item(item)); });
  return result;
}

ast::Available Builder::available(Cursor &cursor) {
  if (cursor.accept(P::QUORUM)) return {ast::AvailableQuorum{}};
  if (cursor.accept(P::GE)) return {ast::AvailableAtLeast{expr(cursor.take_rule())}};
  if (cursor.accept(P::MAY)) return {ast::AvailableMayBeDown{}};
  cursor.take(P::ALL);
  cursor.take(P::BUT);
  ast::AvailableAllBut all_but;
  all_but.amount = expr(cursor.take_rule(P::RuleOperand));
  if (cursor.accept(P::PER)) {
    all_but.grouping = ast::AvailableAllBut::Grouping::per;
  } else if (cursor.accept(P::OF)) {
    all_but.grouping = ast::AvailableAllBut::Grouping::of;
  }
  if (all_but.grouping != ast::AvailableAllBut::Grouping::none) all_but.group = expr(cursor.take_rule(P::RuleOperand));
  return {std::move(all_but)};
}

ast::RoleItem Builder::role_item(Context *context) {
  Cursor cursor(context);
  switch (lexemes_[cursor.take_token()].type) {
    case P::AVAILABLE:
      return {available(cursor), range(context)};
    case P::SERIAL:
      return {ast::Serial{}, range(context)};
    case P::HEALTH:
      return {ast::Health{ref(cursor.take_rule(P::RuleRef))}, range(context)};
    case P::STOPPABLE:
      if (cursor.accept(P::ALWAYS)) return {ast::Stoppable{string(cursor.take_rule(P::RuleString))}, range(context)};
      return {ast::Stoppable{ref(cursor.take_rule(P::RuleRef))}, range(context)};
    case P::ROSTER:
      return {ast::Roster{ref(cursor.take_rule(P::RuleRef))}, range(context)};
    case P::VOTES:
      return {ast::Votes{expr(cursor.take_rule(P::RuleOperand))}, range(context)};
    case P::SETTLES:
      return {ast::Settles{expr(cursor.take_rule(P::RuleOperand))}, range(context)};
    case P::BOOT:
      return {ast::BootProbe{ref(cursor.take_rule(P::RuleRef))}, range(context)};
    case P::IDENTITY:
      return {ast::IdentityProbe{ref(cursor.take_rule(P::RuleRef))}, range(context)};
    default:
      cursor.take(P::ONLY);
      cursor.take(P::UNDER);
      return {ast::DownOnlyUnder{ref(cursor.take_rule(P::RuleRef))}, range(context)};
  }
}

ast::StateDecl Builder::state_decl(Context *context) {
  Cursor cursor(context);
  cursor.take(P::STATE);
  ast::StateDecl result;
  result.name = name(cursor.take_rule(P::RuleName));
  result.parameters = parameters(cursor);
  cursor.take(P::LBRACE);
  do {
    Cursor value(cursor.take_rule(P::RuleStateValue));
    const bool transient = value.accept(P::TRANSIENT);
    result.values.push_back({name(value.take_rule(P::RuleName)), transient});
  } while (cursor.accept(P::COMMA));
  cursor.take(P::RBRACE);
  cursor.take(P::OBSERVE);
  result.observe = expr(cursor.take_rule(P::RuleExpr));
  each_item(context, P::RuleStateItem, [&](Context *item) { result.items.push_back(state_item(item)); });
  return result;
}

ast::StateItem Builder::state_item(Context *context) {
  Cursor cursor(context);
  if (cursor.accept(P::ON)) {
    cursor.take(P::BOOT);
    ast::BootMove move;
    move.from = name(cursor.take_rule(P::RuleName));
    cursor.take(P::ARROW);
    move.to = name(cursor.take_rule(P::RuleName));
    return {std::move(move), range(context)};
  }
  cursor.take(P::WHILE);
  ast::WhileTaints taints;
  taints.values.push_back(name(cursor.take_rule(P::RuleName)));
  taints.range_of_values = cursor.accept(P::RANGE);
  if (taints.range_of_values) taints.values.push_back(name(cursor.take_rule(P::RuleName)));
  while (cursor.accept(P::PIPE)) taints.values.push_back(name(cursor.take_rule(P::RuleName)));
  cursor.take(P::TAINTS);
  taints.gates = refs(cursor.take_rule(P::RuleRefs));
  return {std::move(taints), range(context)};
}

}  // namespace upg::syntax
