#include "compiler/outline/outline.h"

#include <array>
#include <type_traits>
#include <utility>
#include <variant>

namespace upg::outline {
namespace {

namespace ast = syntax::ast;
using diagnostics::Range;
using diagnostics::Sources;

struct Words {
  std::string_view singular, plural;
};
constexpr std::array<Words, 16> words{{{"role", "roles"},
                                       {"state", "states"},
                                       {"gate", "gates"},
                                       {"action", "actions"},
                                       {"hold", "holds"},
                                       {"probe", "probes"},
                                       {"procedure", "procedures"},
                                       {"set of hosts", "sets of hosts"},
                                       {"parameter", "parameters"},
                                       {"secret", "secrets"},
                                       {"order", "orders"},
                                       {"rank", "ranks"},
                                       {"versions", "versions"},
                                       {"command", "commands"},
                                       {"cluster", "clusters"},
                                       {"upgrade", "upgrades"}}};

/// On one line, comments left out.
std::string one_line(std::string_view text) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\' && i + 1 < text.size()) {
      out += c;
      out += text[++i];
      continue;
    }
    if (c == '"') quoted = !quoted;
    if (!quoted && c == '/' && i + 1 < text.size() && text[i + 1] == '/') {
      while (i < text.size() && text[i] != '\n') ++i;
      if (i == text.size()) break;
    }
    const bool blank = !quoted && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r');
    if (!blank)
      out += text[i];
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

/// Clauses that say how a thing is done.
template <typename Clause>
constexpr bool is_step = std::is_same_v<Clause, ast::RunClause> || std::is_same_v<Clause, ast::Let> ||
                         std::is_same_v<Clause, ast::ForClause> || std::is_same_v<Clause, ast::OperatorClause> ||
                         std::is_same_v<Clause, ast::Acquire> || std::is_same_v<Clause, ast::Release>;

/// Items of an upgrade that say how it stands to the world.
template <typename Item>
constexpr bool is_head =
    std::is_same_v<Item, ast::FromTo> || std::is_same_v<Item, ast::Window> || std::is_same_v<Item, ast::Exclusive> ||
    std::is_same_v<Item, ast::Initially> || std::is_same_v<Item, ast::Finally> || std::is_same_v<Item, ast::Tolerate> ||
    std::is_same_v<Item, ast::ParamDecl> || std::is_same_v<Item, ast::SecretDecl>;

/// Makes the entry of each kind of declaration.
class Writer {
 public:
  Writer(const Sources &sources, Range range) : sources_(sources), range_(range) {}

  Entry operator()(const ast::RoleDecl &d) const {
    return {Kind::role, d.name.text, head(), {}, contract(d.items), d.name.range, range_};
  }
  Entry operator()(const ast::StateDecl &d) const {
    std::vector<std::string> clauses;
    for (const ast::StateItem &item : d.items) clauses.push_back(text(item.range));
    // Its values belong to the signature; how it is observed does not.
    const std::string_view whole = sources_.text(range_);
    const std::size_t values_end = whole.find('}');
    return {Kind::state,
            d.name.text,
            one_line(whole.substr(0, values_end == std::string_view::npos ? values_end : values_end + 1)),
            {},
            std::move(clauses),
            d.name.range,
            range_};
  }
  Entry operator()(const ast::GateDecl &d) const {
    return {Kind::gate, d.name.text, head(), {}, contract(d.items), d.name.range, range_};
  }
  Entry operator()(const ast::ActionDecl &d) const {
    return {Kind::action, d.name.text, head(), {}, contract(d.body.clauses), d.name.range, range_};
  }
  Entry operator()(const ast::HoldDecl &d) const {
    return {Kind::hold, d.name.text, head(), {}, contract(d.items), d.name.range, range_};
  }
  Entry operator()(const ast::ProbeDecl &d) const {
    return {Kind::probe, d.name.text, head(), {}, {}, d.name.range, range_};
  }
  Entry operator()(const ast::ProcedureDecl &d) const {
    return {Kind::procedure, d.name.text, head(), {}, {}, d.name.range, range_};
  }
  Entry operator()(const ast::HostsDecl &d) const {
    return {Kind::hosts, d.name.text, text(range_), {}, {}, d.name.range, range_};
  }
  Entry operator()(const ast::ParamDecl &d) const {
    return {Kind::param, d.name.text, text(range_), {}, {}, d.name.range, range_};
  }
  Entry operator()(const ast::SecretDecl &d) const {
    return {Kind::secret, d.name.text, text(range_), {}, {}, d.name.range, range_};
  }
  Entry operator()(const ast::OrderDecl &) const { return {Kind::order, {}, text(range_), {}, {}, range_, range_}; }
  Entry operator()(const ast::RankDecl &) const { return {Kind::rank, {}, text(range_), {}, {}, range_, range_}; }
  Entry operator()(const ast::VersionsDecl &d) const {
    return {Kind::versions, d.name.text, text(range_), {}, {}, d.name.range, range_};
  }
  Entry operator()(const ast::CommandDecl &) const { return {Kind::command, {}, text(range_), {}, {}, range_, range_}; }
  Entry operator()(const ast::ClusterDecl &d) const {
    return {Kind::cluster, d.name.text, head(), {}, {}, d.name.range, range_};
  }
  Entry operator()(const ast::UpgradeDecl &d) const {
    std::vector<std::string> clauses;
    for (const ast::UpgradeItem &item : d.items) {
      std::visit(
          [&](const auto &node) {
            if constexpr (is_head<std::decay_t<decltype(node)>>) clauses.push_back(text(item.range));
          },
          item.node);
    }
    return {Kind::upgrade, d.name.text, head(), {}, std::move(clauses), d.name.range, range_};
  }

 private:
  std::string text(Range range) const { return one_line(sources_.text(range)); }
  /// Up to the body.
  std::string head() const {
    const std::string_view whole = sources_.text(range_);
    return one_line(whole.substr(0, whole.find('{')));
  }
  template <typename Items>
  std::vector<std::string> contract(const Items &items) const {
    std::vector<std::string> out;
    for (const auto &item : items) {
      std::visit(
          [&](const auto &node) {
            using Clause = std::decay_t<decltype(node)>;
            if constexpr (std::is_same_v<Clause, ast::Undo>)
              out.push_back(node.nothing ? text(item.range) : "undo");
            else if constexpr (!is_step<Clause>)
              out.push_back(text(item.range));
          },
          item.node);
    }
    return out;
  }

  const Sources &sources_;
  Range range_;
};

}  // namespace

std::string_view singular(Kind kind) { return words[static_cast<std::size_t>(kind)].singular; }
std::string_view plural(Kind kind) { return words[static_cast<std::size_t>(kind)].plural; }

Outline outline(const ast::File &file, const Sources &sources) {
  Outline out;
  if (file.module) out.module = file.module->text;
  if (file.module_doc) out.doc = file.module_doc->text;
  for (const ast::Declaration &declaration : file.declarations) {
    if (const auto *use = declaration.as<ast::UseDecl>()) {
      for (const ast::Name &module : use->modules) out.uses.push_back(module.text);
      continue;
    }
    const Writer write(sources, declaration.range);
    std::visit(
        [&](const auto &node) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(node)>, ast::UseDecl>) {
            out.entries.push_back(write(node));
            if (declaration.doc) out.entries.back().doc = declaration.doc->text;
          }
        },
        declaration.node);
  }
  return out;
}

}  // namespace upg::outline
