#include <algorithm>

#include "runtime/plan/validator.h"

namespace upg::plan::checks {
namespace {

/// Walks every tree once, in the order in which it would run. Trees are at most Limits::depth deep: check_nodes has
/// seen to that.
class BodyWalk {
 public:
  BodyWalk(const Plan &plan, Report &report, Uses &uses)
      : plan_(plan),
        report_(report),
        uses_(uses),
        placed_(plan.nodes.size(), false),
        rollouts_(plan.rollouts.size(), false),
        phases_(plan.phases.size(), false),
        waivers_(plan.waivers.size(), false),
        hold_part_(plan.actions.size(), Part::none) {}

  bool all() {
    for (std::size_t i = 0; i < plan_.holds.size(); ++i) {
      const Hold &hold = plan_.holds[i];
      hold_part_[hold.acquire.index] = Part::acquire;
      hold_part_[hold.release.index] = Part::release;
      uses_.add(uses_.number(Uses::hold, i), uses_.number(Uses::action, hold.acquire.index));
      uses_.add(uses_.number(Uses::hold, i), uses_.number(Uses::action, hold.release.index));
    }
    for (std::size_t i = 0; i < plan_.actions.size(); ++i) {
      const ActionId undo = plan_.actions[i].undo;
      if (undo.valid()) uses_.add(uses_.number(Uses::action, i), uses_.number(Uses::action, undo.index));
    }
    for_each_body(plan_, [this](const Body &body) {
      if (report_.ok()) tree(body);
    });
    if (!report_.ok()) return false;
    const auto missing = [&](const std::vector<bool> &used, std::string_view table) {
      const auto it = std::find(used.begin(), used.end(), false);
      return it == used.end() || report_.fail(NodeId(), "{}[{}]: nothing refers to it", table, it - used.begin());
    };
    return missing(placed_, "nodes") && missing(rollouts_, "rollouts") && missing(phases_, "phases") &&
           missing(waivers_, "waivers");
  }

 private:
  enum class Part : std::uint8_t { none, acquire, release };

  void tree(const Body &body) {
    body_ = &body;
    user_ = user_of(body);
    was_allowed_ = body.table == "actions" && hold_part_[body.record] == Part::release;
    ++epoch_;
    if (body.frame != nullptr && bound_.size() < body.frame->slots.size()) bound_.resize(body.frame->slots.size(), 0);
    if (body.table == "sets") bound_[0] = epoch_;
    const OpInfo &row = info(plan_.node(body.root).op);
    if (row.category != body.category) {
      report_.fail(body.root, "{}[{}]: `{}` is no {}", body.table, body.record, body.field, name_of(body.category));
      return;
    }
    if (body.table == "holds" && body.field == "moves" && plan_.node(body.root).op != Op::moves) {
      report_.fail(body.root, "{}[{}]: `moves` has an effect of another kind", body.table, body.record);
      return;
    }
    node(body.root, Op::count_, false);
    log_.clear();
  }

  std::uint32_t user_of(const Body &body) const {
    constexpr std::pair<std::string_view, Uses::Kind> owners[] = {
        {"procedures", Uses::procedure}, {"probes", Uses::probe},   {"states", Uses::state}, {"sets", Uses::set},
        {"gates", Uses::gate},           {"actions", Uses::action}, {"holds", Uses::hold}};
    for (const auto &[table, kind] : owners) {
      if (body.table == table) return uses_.number(kind, body.record);
    }
    return Uses::nobody;
  }

  // ---- slots
  bool is_bound(std::uint32_t slot) const {
    return body_->frame != nullptr && slot < body_->frame->slots.size() &&
           (slot < body_->frame->parameters.size() || bound_[slot] == epoch_);
  }
  bool bind(NodeId id, std::uint32_t slot) {
    if (body_->frame == nullptr || slot >= body_->frame->slots.size()) {
      return report_.fail(id, "{}: slot {} is outside the frame of its body", report_.name(id), slot);
    }
    if (slot < body_->frame->parameters.size())
      return report_.fail(id, "{}: it overwrites a parameter", report_.name(id));
    log_.emplace_back(slot, bound_[slot]);
    bound_[slot] = epoch_;
    return true;
  }
  /// Forgets what was bound since the log had this length.
  void unbind(std::size_t length) {
    while (log_.size() > length) {
      bound_[log_.back().first] = log_.back().second;
      log_.pop_back();
    }
  }

  bool node(NodeId id, Op parent, bool secret_allowed) {
    if (placed_[id.index]) return report_.fail(id, "{}: it stands in two places", report_.name(id));
    placed_[id.index] = true;
    const Node &n = plan_.node(id);
    const OpInfo &row = info(n.op);
    if (body_->place == Place::constant && !constant(n.op))
      return report_.fail(id, "{}: it is no constant", report_.name(id));
    if (row.category == Category::stmt && !statement_allowed(id, n.op, parent)) return false;
    if (!meaning(id, n, secret_allowed)) return false;

    const bool secrets = secret_allowed || n.op == Op::stdin_is || n.op == Op::env_is;
    const std::size_t before = log_.size();
    const auto kids = plan_.kids(id);
    for (std::size_t k = 0; k < kids.size(); ++k) {
      if (k == 1 && binds_after_first(n.op) && !bind(id, n.a)) return false;
      if (k == 0 && (n.op == Op::roll || n.op == Op::visit) && !bind(id, plan_.rollouts[n.a].slot)) return false;
      if (!node(kids[k], n.op, secrets)) return false;
    }
    if (n.op == Op::let) return bind(id, n.a);  // until the end of the block around it
    unbind(before);
    return true;
  }

  static bool binds_after_first(Op op) {
    switch (op) {
      case Op::every:
      case Op::some:
      case Op::each:
      case Op::count_of:
      case Op::bind:
      case Op::need_count:
      case Op::for_data:
        return true;
      default:
        return false;
    }
  }
  static bool constant(Op op) {
    switch (op) {
      case Op::text:
      case Op::number:
      case Op::decimal:
      case Op::boolean:
      case Op::duration:
      case Op::size:
      case Op::percent:
      case Op::version:
      case Op::time:
      case Op::host:
      case Op::list:
        return true;
      default:
        return false;
    }
  }

  bool statement_allowed(NodeId id, Op op, Op parent) {
    const bool in_action = body_->place == Place::action;
    const bool data = op == Op::let || op == Op::for_data;
    if (!data && (op == Op::command) != in_action) {
      return report_.fail(id, "{}: {}", report_.name(id),
                          in_action ? "an action runs commands and nothing else" : "only an action runs commands");
    }
    if ((op == Op::phase) != (parent == Op::dag))
      return report_.fail(id, "{}: phases stand in a dag, and nothing else does", report_.name(id));
    if ((op == Op::recover) != (parent == Op::attempt))
      return report_.fail(id, "{}: recoveries stand in an attempt, and nothing else does", report_.name(id));
    return true;
  }

  /// What the opcode demands beyond its row.
  bool meaning(NodeId id, const Node &n, bool secret_allowed) {
    const auto kids = plan_.kids(id);
    switch (n.op) {
      case Op::local:
        return is_bound(n.a) || report_.fail(id, "{}: slot {} is read before it is bound", report_.name(id), n.a);
      case Op::was:
        return was_allowed_ || report_.fail(id, "{}: only the release of a hold knows what was", report_.name(id));
      case Op::secret:
        return secret_allowed ||
               report_.fail(id, "{}: a secret outside of standard input and environment", report_.name(id));
      case Op::ask_probe:
        return use(id, Uses::probe, n.a, plan_.probes[n.a].frame);
      case Op::gate:
        return use(id, Uses::gate, n.a, plan_.gates[n.a].frame);
      case Op::held:
        return use(id, Uses::hold, n.a, plan_.holds[n.a].frame);
      case Op::cell:
        return use(id, Uses::state, n.a, plan_.states[n.a].frame);
      case Op::call:
        return use(id, Uses::procedure, n.a, plan_.procedures[n.a].frame);
      case Op::act:
        if (hold_part_[n.a] != Part::none)
          return report_.fail(id, "{}: parts of a hold run through `with` only", report_.name(id));
        return use(id, Uses::action, n.a, plan_.actions[n.a].frame);
      case Op::set:
      case Op::set_live:
        uses_.add(user_, uses_.number(Uses::set, n.a));
        return true;
      case Op::builtin: {
        const BuiltinInfo &row = info(static_cast<Builtin>(n.a));
        return (kids.size() >= row.least && kids.size() <= row.most) ||
               report_.fail(id, "{}: `{}` takes another number of arguments", report_.name(id), row.name);
      }
      case Op::run:
      case Op::shell: {
        const bool words = std::any_of(kids.begin(), kids.end(),
                                       [&](NodeId k) { return info(plan_.node(k).op).category == Category::expr; });
        return words || report_.fail(id, "{}: it runs nothing", report_.name(id));
      }
      case Op::command: {
        const Op what = plan_.node(kids[0]).op;
        return what == Op::run || what == Op::shell ||
               report_.fail(id, "{}: it is neither `run` nor `sh`", report_.name(id));
      }
      case Op::ask_person:
        return n.b < static_cast<std::uint32_t>(BaseType::count_) ||
               report_.fail(id, "{}: the type of its answer is out of range", report_.name(id));
      case Op::need_count:
        return (n.b <= 2 && plan_.node(kids[2]).op == Op::number) ||
               report_.fail(id, "{}: it compares with no number", report_.name(id));
      case Op::need_value:
      case Op::unless:
      case Op::expect_value:
        return n.a < values(kids[0]) || report_.fail(id, "{}: the state has no such value", report_.name(id));
      case Op::moves:
        return moves(id, n);
      case Op::at_most:
        return (plan_.integers[n.a] > 0 && plan_.integers[n.a] <= Limits::duration) ||
               report_.fail(id, "{}: its time is out of range", report_.name(id));
      case Op::roll:
      case Op::visit:
        return once(id, rollouts_, n.a);
      case Op::accept:
        return once(id, waivers_, n.a);
      case Op::phase:
        return once(id, phases_, n.a);
      case Op::dag:
        return dag(id);
      case Op::attempt:
        if (n.a < 2 || n.a > Limits::attempts)
          return report_.fail(id, "{}: it tries less than twice, or more than {} times", report_.name(id),
                              Limits::attempts);
        return (kids.size() > 1 && plan_.node(kids[1]).op == Op::recover) ||
               report_.fail(id, "{}: it has no recovery", report_.name(id));
      case Op::no_return:
        return body_->field != "on_abort" ||
               report_.fail(id, "{}: an abort has no point of no return", report_.name(id));
      default:
        return true;
    }
  }

  std::size_t values(NodeId cell) const { return plan_.states[plan_.node(cell).a].values.size(); }

  bool moves(NodeId id, const Node &n) {
    const auto kids = plan_.kids(id);
    const std::size_t size = values(kids[0]);
    const auto ordinal = [&](std::size_t k) {
      const Node &kid = plan_.node(kids[k]);
      return kid.op == Op::number ? plan_.integers[kid.a] : std::int64_t{-1};
    };
    const std::int64_t sources = kids.size() > 1 ? ordinal(1) : -1;
    bool fits = n.a < size && n.b <= size && sources >= 0 && static_cast<std::size_t>(sources) <= kids.size() - 2;
    for (std::size_t k = 2; fits && k < kids.size(); ++k)
      fits = ordinal(k) >= 0 && static_cast<std::size_t>(ordinal(k)) < size;
    return fits || report_.fail(id, "{}: its numbers are no values of the state", report_.name(id));
  }

  bool dag(NodeId id) {
    const auto kids = plan_.kids(id);
    for (std::size_t k = 0; k < kids.size(); ++k) {
      const Node &phase = plan_.node(kids[k]);
      if (phase.op != Op::phase)
        return report_.fail(kids[k], "{}: phases stand in a dag, and nothing else does", report_.name(kids[k]));
      const std::vector<std::uint32_t> &after = plan_.phases[phase.a].after;
      if (std::any_of(after.begin(), after.end(), [k](std::uint32_t ordinal) { return ordinal >= k; })) {
        return report_.fail(kids[k], "{}: it is after a phase that does not stand before it", report_.name(kids[k]));
      }
    }
    return true;
  }

  bool once(NodeId id, std::vector<bool> &used, std::uint32_t index) {
    if (used[index]) return report_.fail(id, "{}: what it refers to has its place already", report_.name(id));
    used[index] = true;
    return true;
  }

  /// A use of a declaration: notes it, and compares arguments with parameters.
  bool use(NodeId id, Uses::Kind kind, std::uint32_t index, const Frame &frame) {
    uses_.add(user_, uses_.number(kind, index));
    const auto arguments = plan_.kids(id);
    if (arguments.size() != frame.parameters.size()) {
      return report_.fail(id, "{}: {} arguments for {} parameters", report_.name(id), arguments.size(),
                          frame.parameters.size());
    }
    for (std::size_t k = 0; k < arguments.size(); ++k) {
      const Type &wanted = frame.parameters[k].type;
      const BaseType given = known_type(arguments[k]);
      if (wanted.base == BaseType::any || given == BaseType::any) continue;
      if ((wanted.base == BaseType::host) != (given == BaseType::host)) {
        return report_.fail(arguments[k], "{}: argument {} is `{}` where `{}` is wanted", report_.name(id), k + 1,
                            name_of(given), name_of(wanted.base));
      }
      const Node &argument = plan_.node(arguments[k]);
      if (argument.op != Op::host || !wanted.role.valid()) continue;
      const std::vector<RoleId> &roles = plan_.hosts[argument.a].roles;
      if (!std::binary_search(roles.begin(), roles.end(), wanted.role)) {
        return report_.fail(arguments[k], "{}: argument {} is a host without the role that is wanted", report_.name(id),
                            k + 1);
      }
    }
    return true;
  }

  /// The type of an expression as far as it shows; any: it does not.
  BaseType known_type(NodeId id) const {
    const Node &n = plan_.node(id);
    switch (n.op) {
      case Op::text:
      case Op::concat:
        return BaseType::string;
      case Op::number:
        return BaseType::integer;
      case Op::decimal:
        return BaseType::decimal;
      case Op::duration:
        return BaseType::duration;
      case Op::size:
        return BaseType::size;
      case Op::percent:
        return BaseType::percent;
      case Op::version:
        return BaseType::version;
      case Op::time:
        return BaseType::time;
      case Op::host:
      case Op::any_of:
        return BaseType::host;
      case Op::list:
      case Op::set:
      case Op::set_live:
      case Op::set_union:
      case Op::set_except:
      case Op::set_both:
      case Op::each:
        return BaseType::list;
      case Op::boolean:
      case Op::either:
      case Op::both:
      case Op::negate:
      case Op::equal:
      case Op::differ:
      case Op::less:
      case Op::less_equal:
      case Op::greater:
      case Op::greater_equal:
      case Op::within:
      case Op::matches:
      case Op::contains:
      case Op::every:
      case Op::some:
        return BaseType::boolean;
      case Op::run:
      case Op::shell:
        return BaseType::result;
      case Op::ask_probe:
        return plan_.probes[n.a].result.base;
      case Op::local:
        if (body_->frame != nullptr && n.a < body_->frame->parameters.size())
          return body_->frame->parameters[n.a].type.base;
        return BaseType::any;
      default:
        return BaseType::any;
    }
  }

  const Plan &plan_;
  Report &report_;
  Uses &uses_;
  std::vector<bool> placed_, rollouts_, phases_, waivers_;
  std::vector<Part> hold_part_;
  const Body *body_ = nullptr;
  std::uint32_t user_ = Uses::nobody;
  bool was_allowed_ = false;
  std::vector<std::uint64_t> bound_;  // per slot: the tree that bound it
  std::uint64_t epoch_ = 0;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> log_;  // slots bound, and what they held before
};

}  // namespace

bool check_bodies(const Plan &plan, Report &report, Uses &uses) { return BodyWalk(plan, report, uses).all(); }

}  // namespace upg::plan::checks
