#include "runtime/report/review.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/diagnostics/utf8.h"
#include "runtime/plan/bodies.h"
#include "runtime/report/plan_text.h"
#include "runtime/report/review_outline.h"

namespace upg::report {
namespace {

using plan::NodeId;
using plan::Op;

/// Rows whose columns line up; the last column is as long as it is.
class Table {
 public:
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  void print(Page &page, std::size_t depth) const {
    std::vector<std::size_t> widths;
    for (const auto &row : rows_) {
      widths.resize(std::max(widths.size(), row.size()), 0);
      for (std::size_t i = 0; i + 1 < row.size(); ++i)
        widths[i] = std::max(widths[i], std::min<std::size_t>(diagnostics::display_columns(row[i]), 60));
    }
    for (const auto &row : rows_) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        line += row[i];
        if (i + 1 == row.size()) break;
        const std::size_t have = diagnostics::display_columns(row[i]);
        line.append(have < widths[i] ? widths[i] - have + 2 : 2, ' ');
      }
      while (!line.empty() && line.back() == ' ') line.pop_back();
      page.line(depth, line);
    }
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

class Review {
 public:
  Review(const plan::Plan &plan, std::string_view digest, const safety::Proof *proof)
      : plan_(plan), digest_(digest), proof_(proof), locator_(plan), outline_(plan, locator_, page_) {}

  std::string all() {
    title();
    risks();
    hosts();
    roles();
    if (plan_.preflight.valid()) section("Preflight, before anything is changed"), outline_.tell(plan_.preflight, 1);
    section("Steps");
    outline_.tell(plan_.body, 1);
    outline_.tell_rest(1);
    if (plan_.postflight.valid()) section("Postflight"), outline_.tell(plan_.postflight, 1);
    if (plan_.on_abort.valid()) section("On abort, before the point of no return"), outline_.tell(plan_.on_abort, 1);
    states();
    actions();
    holds();
    gates();
    questions();
    return page_.take();
  }

 private:
  void section(const std::string &name) {
    page_.blank();
    page_.line(0, name);
  }
  std::string name(plan::StringId id) const { return shown(plan_.text(id), 80); }
  template <class Id, class Table2>
  std::string names(const std::vector<Id> &ids, const Table2 &table) const {
    std::string out;
    for (const Id id : ids) {
      if (out.size() > 2000) return out + ", ...";
      if (!out.empty()) out += ", ";
      out += name(table[id.index].name);
    }
    return out;
  }
  std::string place(const plan::Span &span) const {
    return span.valid() ? shown(locator_.start(span), 200) : std::string();
  }

  void title() {
    std::string title = fmt::format("{} {} of {}", plan::name_of(plan_.kind), name(plan_.name), name(plan_.cluster));
    if (plan_.from.valid() || plan_.to.valid()) title += fmt::format(": {} -> {}", name(plan_.from), name(plan_.to));
    page_.line(0, title);
    Table table;
    table.row({"digest", std::string(digest_)});
    table.row({"inventory", name(plan_.inventory_fingerprint)});
    table.row({"built by", name(plan_.compiler)});
    if (plan_.limit.valid())
      table.row({"limited to", shown(plan_.text(plan_.limit), 400) + "; every role still counts all its hosts"});
    for (const plan::PlanParameter &p : plan_.parameters)
      table.row({"parameter", name(p.name) + " = " + PlanText(plan_, plan_.frame).text(p.value)});
    for (const plan::Secret &s : plan_.secrets) {
      table.row({"secret", fmt::format("{} from {}{}", name(s.name), plan::name_of(s.source),
                                       s.argument.valid() ? " " + name(s.argument) : "")});
    }
    for (const plan::Window &w : plan_.windows) table.row({"window", window(w)});
    for (const plan::StringId id : plan_.exclusive) table.row({"exclusive", name(id)});
    table.row({"duration", duration()});
    for (const plan::CellClaim &c : plan_.initially) table.row({"initially", claim(c)});
    for (const plan::CellClaim &c : plan_.finally) table.row({"finally", claim(c)});
    table.print(page_, 1);
    if (proof_ == nullptr) {
      page_.blank();
      page_.line(0, "NOT PROVED: this plan does not pass the checks and must not run");
    }
  }

  std::string window(const plan::Window &w) const {
    const std::string when =
        w.day == plan::WindowDay::date ? day_text(w.date * 86400) : "every " + std::string(plan::name_of(w.day));
    return fmt::format("{} {:02}:{:02} for {}, {}", when, w.minute / 60, w.minute % 60, duration_text(w.length),
                       name(w.zone));
  }
  std::string duration() const {
    if (proof_ == nullptr) return "unknown";
    std::string out =
        fmt::format("typically {}, at worst {}", duration_text(proof_->typical_ms), duration_text(proof_->worst_ms));
    if (plan_.windows.empty()) return out;
    std::int64_t shortest = plan_.windows[0].length;
    for (const plan::Window &w : plan_.windows) shortest = std::min(shortest, w.length);
    if (proof_->worst_ms <= shortest) return out + fmt::format("; fits in one window of {}", duration_text(shortest));
    if (proof_->typical_ms <= shortest)
      return out + fmt::format("; may need more than one window of {}", duration_text(shortest));
    return out + fmt::format("; needs more than one window of {}", duration_text(shortest));
  }
  std::string claim(const plan::CellClaim &c) const {
    const plan::State &state = plan_.states[c.state.index];
    std::string out = fmt::format("{} == {}", name(state.name), name(state.values[c.value].name));
    if (c.hosts.valid()) out += " on " + host_list(plan_, plan_.sets[c.hosts.index].hosts);
    return out;
  }

  /// What a reviewer has to agree to, before everything else.
  void risks() {
    section("Accepted risks");
    if (plan_.waivers.empty()) page_.line(1, "none");
    for (const plan::Waiver &w : plan_.waivers) {
      page_.line(1, "! " + waiver_text(plan_, w));
      if (w.where.valid()) page_.line(2, "at " + place(w.where));
    }
    for (const plan::Host &h : plan_.hosts) {
      if (h.out_reason.valid())
        page_.line(1, fmt::format("! {} is declared out: {}", name(h.name), shown(plan_.text(h.out_reason))));
    }
    if (plan_.tolerate > 0)
      page_.line(
          1, fmt::format("! {} lost {} tolerated in the whole plan: a host whose turn fails or that does not answer "
                         "is left behind, out of service",
                         plan_.tolerate, plan_.tolerate == 1 ? "host is" : "hosts are"));
    for (const plan::Rollout &r : plan_.rollouts) {
      if (r.tolerant)
        page_.line(2, fmt::format("while {} are visited", host_list(plan_, plan_.sets[r.hosts.index].hosts)));
    }
    section("Points of no return");
    bool any = false;
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      if (plan_.nodes[i].op != Op::no_return) continue;
      any = true;
      const std::string at = place(plan_.spans[i]);
      page_.line(1, shown(plan_.strings[plan_.nodes[i].a]) + (at.empty() ? "" : "  (" + at + ")"));
    }
    if (!any) page_.line(1, "none is written: the plan only goes forward");
    if (any)
      page_.line(1, plan_.on_abort.valid() ? "before it an abort does what stands under \"On abort\""
                                           : "before it an abort undoes what was done, last action first");

    any = false;
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      const plan::Node &n = plan_.nodes[i];
      const bool asks = n.op == Op::confirm || n.op == Op::ask_person;
      const bool does = n.op == Op::act && plan_.actions[n.a].operator_text.valid();
      if (!asks && !does) continue;
      if (!any) section("What a person has to do");
      any = true;
      const std::string at = place(plan_.spans[i]);
      const std::string what =
          shown(asks ? std::string_view(plan_.strings[n.a]) : plan_.text(plan_.actions[n.a].operator_text));
      page_.line(1, (asks ? "answer: " : "do: ") + what + (at.empty() ? "" : "  (" + at + ")"));
    }
  }

  /// Hosts by their first visit in a rollout, the others behind them.
  void hosts() {
    std::vector<plan::HostId> order;
    std::vector<bool> seen(plan_.hosts.size(), false);
    std::vector<bool> called(plan_.procedures.size(), false);
    std::vector<NodeId> open;  // in reverse: the next one is at the back
    for (const NodeId block : {plan_.postflight, plan_.body, plan_.preflight}) {
      if (block.valid()) open.push_back(block);
    }
    while (!open.empty()) {
      const NodeId at = open.back();
      open.pop_back();
      const plan::Node &n = plan_.node(at);
      if (n.op == Op::roll) {
        for (const plan::HostId h : plan_.sets[plan_.rollouts[n.a].hosts.index].hosts) {
          if (!seen[h.index]) order.push_back(h);
          seen[h.index] = true;
        }
      }
      if (n.op == Op::call && !called[n.a]) {
        called[n.a] = true;
        open.push_back(plan_.procedures[n.a].body);
      }
      const auto kids = plan_.kids(at);
      open.insert(open.end(), kids.rbegin(), kids.rend());
    }
    const std::size_t visited = order.size();
    for (std::size_t h = 0; h < seen.size(); ++h) {
      if (!seen[h]) order.emplace_back(h);
    }
    section(visited > 0 ? "Hosts, in the order of their visit" : "Hosts");
    Table table;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const plan::Host &h = plan_.hosts[order[i].index];
      std::string address = name(h.address.valid() ? h.address : h.name);
      if (h.user.valid()) address = name(h.user) + "@" + address;
      if (h.port != 0) address += fmt::format(":{}", h.port);
      std::string rest = names(h.roles, plan_.roles);
      if (!h.via.empty()) rest += "; via " + host_list(plan_, h.via);
      if (h.guest_of.valid()) rest += "; guest of " + name(plan_.roles[h.guest_of.index].name);
      if (h.out_reason.valid()) rest += "; OUT";
      table.row({i < visited ? fmt::format("{}.", i + 1) : "-", name(h.name), address, rest});
    }
    table.print(page_, 1);
  }

  std::string policy(const plan::Role &role) const {
    std::string out;
    for (const plan::Available &a : role.available) {
      if (!out.empty()) out += ", ";
      out += plan::name_of(a.kind);
      if (a.kind == plan::AvailableKind::at_least_percent) out += fmt::format(" {:g}%", a.amount / 10000.0);
      if (a.kind == plan::AvailableKind::at_least || a.kind == plan::AvailableKind::all_but)
        out += fmt::format(" {}", a.amount);
      if (a.per.valid()) out += " per " + name(a.per);
      if (a.of.valid()) out += " of " + name(a.of);
    }
    if (out.empty()) out = "no policy";
    if (role.serial) out += ", serial";
    if (role.down_only_under.valid()) out += ", down only under " + name(plan_.holds[role.down_only_under.index].name);
    if (role.stoppable_always.valid()) out += ", always stoppable";
    return out;
  }
  std::string worst(const safety::WorstMoment &w) const {
    const bool votes = !plan_.roles[w.role.index].weights.empty();
    const std::string unit = votes ? " votes" : "";
    if (w.down == 0 && w.budget == UINT64_MAX) return "any number may be down";
    if (w.accepted > w.down)
      return fmt::format("{} of {}{} down in an accepted outage, {} outside of it", w.accepted, w.total, unit,
                         w.down == 0 ? "none" : std::to_string(w.down));
    if (w.down == 0) return fmt::format("never down (of {}{})", w.total, unit);
    std::string out = fmt::format("{} of {}{} down", w.down, w.total, unit);
    if (!w.hosts.empty()) out += " (" + host_list(plan_, w.hosts) + ")";
    if (w.budget == UINT64_MAX) return out + ", which is allowed";
    return out + (w.budget >= w.down ? fmt::format(", {} may be: margin {}", w.budget, w.budget - w.down)
                                     : fmt::format(", {} may be: TOO MANY", w.budget));
  }
  void roles() {
    section("Roles and the worst moment of each");
    std::vector<std::string> moments(plan_.roles.size(), proof_ == nullptr ? "not proved" : "not touched");
    if (proof_ != nullptr) {
      for (const safety::WorstMoment &w : proof_->worst) {
        if (w.role.valid() && w.role.index < moments.size()) moments[w.role.index] = worst(w);
      }
    }
    Table table;
    for (std::size_t i = 0; i < plan_.roles.size(); ++i) {
      const std::string &moment = moments[i];
      table.row({name(plan_.roles[i].name), policy(plan_.roles[i]), moment});
    }
    table.print(page_, 1);
    for (const plan::Role &r : plan_.roles) {
      if (r.stoppable_always.valid())
        page_.line(1, fmt::format("{} is always stoppable: {}", name(r.name), shown(plan_.text(r.stoppable_always))));
    }
    orders();
  }

  void orders() {
    if (!plan_.orders.empty() || !plan_.ranks.empty()) section("Order");
    for (const plan::Order &o : plan_.orders) {
      std::string line;
      for (const plan::RoleGroup &g : o.groups) {
        if (line.size() > 2000) break;
        line += (line.empty() ? "" : " before ") + names(g.roles, plan_.roles);
      }
      page_.line(1, line + (o.on_each_host ? ", on each host" : ""));
    }
    for (const plan::Rank &r : plan_.ranks)
      page_.line(1, "from the least to the most sensitive: " + names(r.roles, plan_.roles));
  }

  void states() {
    if (plan_.states.empty()) return;
    section("States that are followed");
    for (const plan::State &s : plan_.states) {
      std::string values;
      for (const plan::StateValue &v : s.values)
        values += (values.empty() ? "" : ", ") + std::string(v.transient ? "transient " : "") + name(v.name);
      page_.line(1, fmt::format("{}: {}", declared(s.name, s.frame), values));
    }
  }

  std::string declared(plan::StringId what, const plan::Frame &frame) const {
    std::string out = name(what);
    for (std::size_t i = 0; i < frame.parameters.size(); ++i)
      out += (i == 0 ? "(" : ", ") + name(frame.parameters[i].name);
    return frame.parameters.empty() ? out : out + ")";
  }
  void documented(std::size_t depth, const std::string &head, plan::StringId doc) {
    page_.line(depth, head);
    std::string_view rest = plan_.text(doc);
    for (int lines = 0; !rest.empty() && lines < 20; ++lines) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      page_.line(depth + 1, "/// " + shown(rest.substr(0, end), 300));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  void each_line(std::size_t depth, std::string_view word, const std::vector<NodeId> &nodes, const PlanText &text) {
    for (const NodeId n : nodes) page_.line(depth, std::string(word) + text.text(n));
  }

  /// Every command beneath a node, in order: what will be typed, where, with which options.
  void commands(std::size_t depth, NodeId root, const PlanText &text) {
    std::vector<NodeId> open{root};
    while (!open.empty() && !page_.full()) {
      const NodeId at = open.back();
      open.pop_back();
      const plan::Node &n = plan_.node(at);
      const auto kids = plan_.kids(at);
      if (n.op == Op::run || n.op == Op::shell) {
        const std::string options = text.options(at);
        page_.line(depth, fmt::format("{} {}   {}{}{}", n.op == Op::shell ? "sh$" : "$", text.command_line(at),
                                      text.where(at), options.empty() ? "" : ", ", options));
      }
      open.insert(open.end(), kids.rbegin(), kids.rend());
    }
  }

  void contract(std::size_t depth, const plan::Action &a) {
    const PlanText text(plan_, a.frame);
    each_line(depth, "requires ", a.needs, text);
    each_line(depth, "", a.effects, text);
    if (a.done_when.valid()) page_.line(depth, "done when " + text.text(a.done_when));
    std::string line = fmt::format("takes {} to {}", duration_text(a.typical), duration_text(a.worst));
    if (a.retries > 0) line += fmt::format(", retried {} times every {}", a.retries, duration_text(a.retry_delay));
    if (a.idempotent) line += ", idempotent";
    if (a.once) line += ", ONCE in the life of the plan";
    page_.line(depth, line);
    if (a.undo_kind == plan::UndoKind::action) page_.line(depth, "undone by " + name(plan_.actions[a.undo.index].name));
    if (a.undo_kind == plan::UndoKind::nothing) page_.line(depth, "needs no undo: " + shown(plan_.text(a.undo_reason)));
    if (a.operator_text.valid())
      page_.line(depth, fmt::format("a person does it: \"{}\"", shown(plan_.text(a.operator_text))));
    if (a.body.valid()) commands(depth, a.body, text);
  }

  void actions() {
    std::vector<bool> of_hold(plan_.actions.size(), false);
    for (const plan::Hold &h : plan_.holds) of_hold[h.acquire.index] = of_hold[h.release.index] = true;
    bool any = false;
    for (std::size_t i = 0; i < plan_.actions.size(); ++i) {
      const plan::Action &a = plan_.actions[i];
      if (of_hold[i]) continue;
      if (!any) section("Actions and their commands");
      any = true;
      documented(1, declared(a.name, a.frame), a.doc);
      contract(2, a);
    }
  }

  void holds() {
    if (!plan_.holds.empty()) section("Holds");
    for (const plan::Hold &h : plan_.holds) {
      documented(1, declared(h.name, h.frame), h.doc);
      page_.line(2, fmt::format("on halt: {}; while waiting for a window: {}", plan::name_of(h.on_halt),
                                plan::name_of(h.on_wait)));
      if (!h.taints.empty()) page_.line(2, "taints " + names(h.taints, plan_.gates));
      each_line(2, "", h.moves, PlanText(plan_, h.frame));
      page_.line(2, "acquire");
      contract(3, plan_.actions[h.acquire.index]);
      page_.line(2, "release");
      contract(3, plan_.actions[h.release.index]);
    }
  }

  void gates() {
    if (!plan_.gates.empty()) section("Gates");
    for (const plan::Gate &g : plan_.gates) {
      const PlanText text(plan_, g.frame);
      documented(1, declared(g.name, g.frame), g.doc);
      page_.line(2, patience_text(g));
      page_.line(2, "passes when " + text.text(g.pass));
      if (g.fail.valid()) page_.line(2, "fails when " + text.text(g.fail));
      if (g.watch_kind == plan::WatchKind::nothing) page_.line(2, "WATCHES NOTHING: no step makes a pass stale");
      if (g.watch_kind == plan::WatchKind::written) page_.line(2, "watches " + watched(g, text));
      if (!g.clears.empty()) page_.line(2, "clears guests of " + names(g.clears, plan_.roles));
    }
  }
  std::string watched(const plan::Gate &g, const PlanText &text) const {
    std::string out;
    for (const plan::Watch &w : g.watches) {
      if (out.size() > 2000) return out + ", ...";
      if (!out.empty()) out += ", ";
      if (w.role.valid()) out += name(plan_.roles[w.role.index].name);
      if (w.hold.valid()) out += name(plan_.holds[w.hold.index].name);
      if (w.state.valid()) out += name(plan_.states[w.state.index].name);
      for (std::size_t i = 0; i < w.arguments.size(); ++i) out += (i == 0 ? "(" : ", ") + text.text(w.arguments[i]);
      if (!w.arguments.empty()) out += ')';
    }
    return out;
  }

  /// Questions are taken to change nothing; a reviewer can see what they run.
  void questions() {
    section("Commands of questions, which must change nothing");
    plan::for_each_body(plan_, [&](const plan::Body &body) {
      if (body.place == plan::Place::question) commands(1, body.root, PlanText(plan_, *body.frame));
    });
  }

  const plan::Plan &plan_;
  std::string_view digest_;
  const safety::Proof *proof_;
  plan::Locator locator_;
  Page page_;
  Outline outline_;
};

}  // namespace

std::string review(const plan::Plan &plan, std::string_view digest, const safety::Proof *proof) {
  return Review(plan, digest, proof).all();
}

}  // namespace upg::report
