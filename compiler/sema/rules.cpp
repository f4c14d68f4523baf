#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "compiler/sema/roles.h"

namespace upg::sema {
namespace {

using diagnostics::Kind;

class Rules {
 public:
  explicit Rules(Resolver &resolver) : resolver_(resolver), program_(resolver.program()), sink_(resolver.sink()) {}

  void run() {
    for (std::size_t i = 0; i < program_.states.size(); ++i) state(StateId(i));
    for (std::size_t i = 0; i < program_.modules.size(); ++i) {
      module_ = ModuleId(i);
      for (const ast::Declaration &declaration : program_.modules[i].ast->declarations) {
        if (const auto *n = declaration.as<ast::OrderDecl>()) order(*n, declaration.range);
        if (const auto *n = declaration.as<ast::RankDecl>()) rank(*n, declaration.range);
        if (const auto *n = declaration.as<ast::CommandDecl>()) command(*n, declaration.range);
      }
    }
    levels();
  }

 private:
  void state(StateId id) {
    const ast::StateDecl &written = *program_.states[id.index].ast;
    const ModuleId module = program_.states[id.index].symbol.module;
    for (const ast::StateItem &item : written.items) {
      if (const auto *boot = item.as<ast::BootMove>()) {
        const auto from = resolver_.state_value(id, boot->from), to = resolver_.state_value(id, boot->to);
        if (!from || !to) continue;
        program_.states[id.index].on_boot.push_back({*from, *to});
      }
      const auto *taints = item.as<ast::WhileTaints>();
      if (!taints) continue;
      StateTaint out;
      out.range = item.range;
      bool sound = true;
      for (const ast::Name &name : taints->values) {
        const auto value = resolver_.state_value(id, name);
        sound = sound && value.has_value();
        if (value) out.values.push_back(*value);
      }
      if (sound && taints->range_of_values && out.values.size() == 2) {
        const std::uint32_t first = out.values[0], last = out.values[1];
        if (first > last)
          sink_
              .report(Kind::value_out_of_range, taints->values[0].range,
                      fmt::format("`{}` stands after `{}` in state `{}`", taints->values[0].text,
                                  taints->values[1].text, program_.states[id.index].symbol.name))
              .note("a range follows the order of the declaration");
        out.values.clear();
        for (std::uint32_t v = first; v <= last; ++v) out.values.push_back(v);
      }
      std::sort(out.values.begin(), out.values.end());
      out.values.erase(std::unique(out.values.begin(), out.values.end()), out.values.end());
      for (const ast::Ref &ref : taints->gates) {
        if (ref.arguments) sink_.report(Kind::bad_signature, ref.range, "a tainted gate is named without arguments");
        if (const auto gate = resolver_.gate(module, ref.name)) out.gates.push_back(*gate);
      }
      if (sound) program_.states[id.index].taints.push_back(std::move(out));
    }
  }

  std::optional<RoleId> role(const ast::Ref &ref) {
    if (ref.arguments) sink_.report(Kind::bad_signature, ref.range, "a role takes no arguments");
    return resolver_.role(module_, ref.name);
  }

  /// False, with a report, if the role stood before in the same line.
  bool once(std::unordered_map<RoleId, Range> &seen, RoleId id, Range range) {
    const auto [at, fresh] = seen.emplace(id, range);
    if (!fresh)
      sink_
          .report(Kind::duplicate_item, range,
                  fmt::format("role `{}` stands twice", program_.roles[id.index].symbol.name))
          .label(at->second, "first here");
    return fresh;
  }

  void order(const ast::OrderDecl &written, Range range) {
    Order out{{}, written.on_each_host, module_, range};
    std::unordered_map<RoleId, Range> seen;
    for (const auto &step : written.steps) {
      out.groups.emplace_back();
      for (const ast::Ref &ref : step)
        if (const auto id = role(ref); id && once(seen, *id, ref.range)) out.groups.back().push_back(*id);
    }
    std::erase_if(out.groups, [](const auto &group) { return group.empty(); });
    if (out.groups.size() > 1) program_.orders.push_back(std::move(out));
  }

  void rank(const ast::RankDecl &written, Range range) {
    Rank out{{}, module_, range};
    std::unordered_map<RoleId, Range> seen;
    for (const ast::QName &name : written.roles)
      if (const auto id = resolver_.role(module_, name); id && once(seen, *id, name.range)) out.roles.push_back(*id);
    if (out.roles.size() > 1) program_.ranks.push_back(std::move(out));
  }

  void command(const ast::CommandDecl &written, Range range) {
    Command out;
    out.module = module_;
    out.range = range;
    out.pattern = written.pattern.text();
    if (!written.pattern.plain())
      sink_.report(Kind::not_constant, written.pattern.range, "the pattern of a command is plain text, without `${}`");
    std::string_view rest = out.pattern;
    bool blank = false;
    for (std::size_t bar = 0; bar != std::string_view::npos && !blank;) {  // `P | Q except R | S`: each of them
      rest.remove_prefix(bar);
      bar = std::min(rest.find(" | "), rest.find(" except "));
      blank = rest.substr(0, bar).find_first_not_of(" *|") == std::string_view::npos;
      if (bar != std::string_view::npos) bar = rest.find(' ', bar + 1);
    }
    if (blank)
      sink_.report(Kind::value_out_of_range, written.pattern.range, "the pattern matches every command")
          .help("name the command: \"systemctl restart postgresql*\"");
    for (const ast::ImpliedEffect &effect : written.effects) {
      if (effect.kind == ast::ImpliedEffect::Kind::destroys) out.destroys = true;
      const bool changes = effect.kind == ast::ImpliedEffect::Kind::changes;
      for (const ast::Ref &ref : effect.roles) {
        if (ref.name.parts.size() == 1 && ref.name.parts[0].text == "all")
          (changes ? out.changes_all : out.disrupts_all) = true;
        else if (const auto id = role(ref))
          (changes ? out.changes : out.disrupts).push_back(*id);
      }
    }
    program_.commands.push_back(std::move(out));
  }

  /// Longest chain below each role over all ranks; a circle is reported and left out.
  void levels() {
    const std::size_t count = program_.roles.size();
    program_.rank_levels.assign(count, 0);
    std::vector<std::vector<std::uint32_t>> above(count);
    std::vector<std::size_t> waiting(count, 0);
    for (const Rank &rank : program_.ranks) {
      program_.rank_levels[rank.roles[0].index] = std::max(program_.rank_levels[rank.roles[0].index], 1u);
      for (std::size_t i = 1; i < rank.roles.size(); ++i) {
        above[rank.roles[i - 1].index].push_back(rank.roles[i].index);
        ++waiting[rank.roles[i].index];
      }
    }
    std::vector<std::uint32_t> ready;
    for (std::uint32_t i = 0; i < count; ++i)
      if (waiting[i] == 0) ready.push_back(i);
    for (std::size_t at = 0; at < ready.size(); ++at)
      for (const std::uint32_t next : above[ready[at]]) {
        program_.rank_levels[next] = std::max(program_.rank_levels[next], program_.rank_levels[ready[at]] + 1);
        if (--waiting[next] == 0) ready.push_back(next);
      }
    if (ready.size() == count) return;
    const Rank *first = nullptr;
    std::optional<Sink::Builder> report;
    for (const Rank &rank : program_.ranks) {
      const bool involved =
          std::any_of(rank.roles.begin(), rank.roles.end(), [&](RoleId id) { return waiting[id.index] > 0; });
      if (!involved) continue;
      if (!first)
        report.emplace(
            sink_, diagnostics::Diagnostic{
                       Kind::rank_cycle, "ranks contradict each other", {rank.range, "this one"}, {}, {}, {}, {}, {}});
      else
        report->label(rank.range, "and this one");
      first = &rank;
    }
  }

  Resolver &resolver_;
  Program &program_;
  Sink &sink_;
  ModuleId module_;
};

}  // namespace

void settle_rules(Resolver &resolver) { Rules(resolver).run(); }

}  // namespace upg::sema
