// Forces an order of steps upon a run: told steps in the order of the schedule, forced ones only where they are needed.
#include "runtime/simulate/director.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "runtime/machine/past.h"
#include "runtime/plan/opcodes.h"

namespace upg::simulate {
using diagnostics::Cue;
using machine::Move;
using machine::Offer;

namespace {
constexpr std::size_t kMostMoves = 100'000;

/// How one try chooses among forced steps.
struct Way {
  bool gather = false;   // bring every told step to its brink before the first one is taken
  bool willing = false;  // gates pass when they are asked, as section 2 allows
  int branch = 0;        // which way an `if` goes that no step is inside of
  std::uint32_t elements = 1;
  std::uint32_t value = 0;  // of states that the plan does not say
  std::uint64_t seed = 0;   // 0: the nearest first
  bool suppose = false;     // `unless` and `expect` go as the schedule needs it
  unsigned fail = 0;        // where a step has to fail: so many of those that could are passed over
  bool early = false;       // it may fail before it begins, too
};

/// `fails`: something has to fail, so where is the first thing to try.
Way way_of(unsigned number, bool fails) {
  static constexpr std::array<Way, 12> kFirst{{{false, false, 0, 1, 0, 0},
                                               {true, false, 0, 1, 0, 0},
                                               {false, true, 0, 1, 0, 0},
                                               {true, true, 0, 1, 0, 0},
                                               {false, false, 1, 1, 0, 0},
                                               {true, true, 1, 1, 0, 0},
                                               {false, true, 0, 2, 0, 0},
                                               {true, true, 0, 2, 0, 0},
                                               {false, true, 0, 1, 1, 0},
                                               {true, true, 0, 1, 1, 0},
                                               {false, true, 1, 1, 1, 0},
                                               {false, true, 0, 0, 0, 0}}};
  if (fails) {
    constexpr unsigned kWays = 8;
    Way way = kFirst[number % kWays];
    way.fail = number / kWays % 16;
    way.early = number / kWays / 16 % 2 == 1;
    way.suppose = number / kWays / 32 % 2 == 1;
    if (number >= kWays * 64) way.seed = number;
    return way;
  }
  if (number < kFirst.size()) return kFirst[number];
  Way way = kFirst[number % kFirst.size()];
  way.seed = number;
  way.suppose = number / kFirst.size() % 2 == 1;
  return way;
}

std::string text_of(const Way &way) {
  return fmt::format("{}{}, `if` {}, lists of {}{}{}{}", way.gather ? "gathered first" : "nearest first",
                     way.willing ? ", gates pass when asked" : "", way.branch == 0 ? "true" : "false", way.elements,
                     way.suppose ? ", states as it needs them" : "",
                     (way.fail != 0 ? fmt::format(", {} passed over before one fails", way.fail) : "") +
                         (way.early ? ", also before it begins" : ""),
                     way.seed != 0 ? fmt::format(", seed {}", way.seed) : "");
}

/// Rounds of an attempt as a schedule names them: the first, a recovery, a later round, whichever it is.
std::string leveled(std::string_view key) {
  std::string out;
  for (std::size_t i = 0; i < key.size(); ++i) {
    out += key[i];
    const bool part = key[i] == '/' && i + 2 < key.size() && (key[i + 1] == 't' || key[i + 1] == 'r') &&
                      key[i + 2] >= '1' && key[i + 2] <= '9';
    if (!part) continue;
    std::size_t end = i + 2;
    while (end < key.size() && key[end] >= '0' && key[end] <= '9') ++end;
    const bool first = key.substr(i + 2, end - i - 2) == "1";
    out += key[i + 1];
    out += key[i + 1] == 'r' || first ? '1' : '2';
    i = end - 1;
  }
  return out;
}

bool below(std::string_view key, std::string_view statement) {
  return key.size() > statement.size() && key.starts_with(statement) && key[statement.size()] == '/';
}

/// An attempt in a key, and what of it the key stands in: 't' the block run again, 'r' a recovery, 'o' `otherwise`.
struct Stage {
  std::string attempt;
  char what = 0;
};
std::vector<Stage> stages(const std::string &leveled_key) {
  std::vector<Stage> out;
  for (const auto &[part, what] : {std::pair<std::string_view, char>{"/r1", 'r'}, {"/t2", 't'}, {"/o", 'o'}}) {
    for (std::size_t at = leveled_key.find(part); at != std::string::npos; at = leveled_key.find(part, at + 1)) {
      const std::size_t end = at + part.size();
      if (end == leveled_key.size() || leveled_key[end] == '/') out.push_back({leveled_key.substr(0, at), what});
    }
  }
  std::sort(out.begin(), out.end(), [](const Stage &x, const Stage &y) { return x.attempt.size() < y.attempt.size(); });
  return out;
}

/// A schedule does not know the number that an abort gives to a step: `abort/undo`, and whose.
bool undoes(const plan::Plan &plan, const Cue &cue, const Move &move) {
  if (cue.key != "abort/undo" || move.kind != Move::Kind::start || cue.node >= plan.nodes.size()) return false;
  const plan::Node &act = plan.nodes[cue.node];
  return act.op == plan::Op::act && move.key.starts_with("abort/") && move.key.ends_with("/undo") &&
         plan.actions[act.a].undo == move.action;
}

bool matches(const plan::Plan &plan, const Cue &cue, const Move &real) {
  if (undoes(plan, cue, real)) return true;
  Move move = real;
  move.key = leveled(real.key);
  // Recoveries of one attempt share their keys.
  if (real.action.valid() && cue.node < plan.nodes.size() && plan.nodes[cue.node].op == plan::Op::act &&
      plan.nodes[cue.node].a != real.action.index)
    return false;
  switch (cue.kind) {
    case Cue::Kind::start:
      return move.kind == Move::Kind::start && move.key == cue.key;
    case Cue::Kind::end:
      return move.kind == Move::Kind::end && move.key == cue.key;
    case Cue::Kind::pass:
      return move.kind == Move::Kind::pass &&
             (move.key == cue.key || (move.key.starts_with(cue.key) && move.key[cue.key.size()] == ':'));
    case Cue::Kind::admit:
      return move.kind == Move::Kind::admit && move.key == cue.key;
    case Cue::Kind::leave:
      return move.kind == Move::Kind::leave && move.key == cue.key;
    case Cue::Kind::pause:
      return (move.kind == Move::Kind::pause || move.kind == Move::Kind::start) && move.key == cue.key;
    case Cue::Kind::choice:
      return move.kind == Move::Kind::choice && move.key == cue.key;
    case Cue::Kind::finish:
      return move.kind == Move::Kind::finish;
    case Cue::Kind::lose:  // a step of its turn fails
      return (move.kind == Move::Kind::end || move.kind == Move::Kind::pass) && !move.counted &&
             below(move.key, cue.key);
    case Cue::Kind::told:
    case Cue::Kind::abort:
      return false;
  }
  return false;
}

/// Where two places in the plan part: how much they share, and whether the first surely comes before the second.
struct Parting {
  std::size_t shared = 0;
  enum class How : std::uint8_t { before, perhaps, beside } how = How::before;
};
Parting part(const std::string &from, const std::string &to) {
  Parting out;
  const auto stop = [](char c) { return c == '/' || c == '[' || c == ':'; };
  std::size_t i = 0, begin = 0;
  while (i < from.size() && i < to.size() && from[i] == to[i]) {
    if (stop(from[i])) begin = i;
    ++i;
  }
  if (i == from.size() || i == to.size()) {
    out.shared = i;
    return out;
  }
  if (stop(from[i]) && stop(to[i])) begin = i;
  out.shared = begin;
  if (from[begin] == '[') out.how = Parting::How::perhaps;
  const bool side = begin + 1 < from.size() && begin + 1 < to.size() && from[begin + 1] == 'b' && to[begin + 1] == 'b';
  if (from[begin] == '/' && side) out.how = Parting::How::beside;
  return out;
}

class Attempt {
 public:
  Attempt(const plan::Plan &plan, const safety::Proof &proof, std::string_view rule,
          std::span<const diagnostics::ScheduleStep> schedule, const Way &way, const ReplayOptions &options)
      : plan_(plan),
        rule_(rule),
        message_(options.message),
        way_(way),
        random_(way.seed),
        run_(plan, proof, options_of(way, options.protected_)) {
    for (std::size_t i = 0; i < schedule.size(); ++i)
      if (schedule[i].cue && schedule[i].cue->kind != Cue::Kind::told) told_.push_back({*schedule[i].cue, i});
    for (Told &t : told_) t.cue.key = leveled(t.cue.key);
  }

  Replayed go() {
    bool more = run_.advance();
    while (more && next_ < told_.size() && out_.taken.size() < kMostMoves) {
      const std::vector<Offer> offers = run_.offers();
      if (!aborted_ && goes_back() && (offers.empty() || passed_over_++ >= way_.fail / 2)) {
        more = go_back();
        continue;
      }
      if (offers.empty()) break;
      if (run_.ending().status != machine::Status::running) {  // it halted: what is under way comes to its end
        for (const Offer &o : offers) run_.grant(o.first);
        more = run_.advance();
        continue;
      }
      const Offer *chosen = losing(offers);
      const bool lost = chosen != nullptr;
      if (!lost && way_.gather && !gathered_) chosen = gather(offers);
      const bool forced = chosen != nullptr;
      if (!forced) chosen = told(offers);
      const bool is_told = !forced && chosen != nullptr;
      if (chosen == nullptr) chosen = towards(offers);
      if (chosen == nullptr) break;
      more = take(*chosen, is_told);
    }
    // What is accepted weighs again when its block has ended: the run goes on to there.
    while (more && next_ == told_.size() && next_ > 0 && !broken() && run_.monitor().accepted(told_.back().cue.key) &&
           out_.taken.size() < kMostMoves) {
      const std::vector<Offer> offers = run_.offers();
      if (offers.empty()) break;
      more = take(offers.front(), false);
    }
    out_.followed = next_;
    out_.status = run_.ending().status;
    out_.halted = run_.ending().reason;
    out_.by = run_.last_asked();
    judge();
    return std::move(out_);
  }

  const std::set<Cell> &guessed() const { return run_.model().guessed(); }

 private:
  struct Told {
    Cue cue;
    std::size_t step;
  };
  static RunOptions options_of(const Way &way, bool protect) {
    RunOptions options;
    options.directed = true;
    options.protected_ = protect;
    options.supposes = way.suppose;
    options.model.willing = way.willing;
    options.model.elements = way.elements;
    options.model.value = way.value;
    return options;
  }

  const Offer *told(const std::vector<Offer> &offers) const {
    for (const Offer &o : offers)
      if (matches(plan_, told_[next_].cue, o.second)) return &o;
    return nullptr;
  }

  // ---- failures
  /// Whether the next step of the schedule is one of an abort.
  bool goes_back() const {
    const Cue &cue = told_[next_].cue;
    return cue.kind == Cue::Kind::abort || cue.key == "abort" || cue.key.starts_with("abort/");
  }
  /// The run is halted by a person, what is under way ends, or fails, then it goes back.
  bool go_back() {
    run_.stop();
    bool more = true;
    for (std::size_t i = 0; more && i < kMostMoves; ++i) {
      for (const Offer &o : run_.offers())
        run_.grant(o.first, o.second.kind == Move::Kind::end && !o.second.counted && way_.fail % 2 == 1 ? 1 : 0);
      more = run_.advance();
    }
    run_.abort();
    aborted_ = true;
    if (told_[next_].cue.kind == Cue::Kind::abort) ++next_;
    return run_.advance();
  }
  /// After a turn's step has failed: what its end still takes.
  const Offer *losing(const std::vector<Offer> &offers) {
    if (losing_.empty()) return nullptr;
    for (const Offer &o : offers)
      if (below(o.second.key, losing_)) return &o;
    losing_.clear();
    return nullptr;
  }
  /// Whether the step must fail, so that the next one of the schedule is come to: of the block of an attempt that has
  /// not failed yet.
  bool fails(const Move &move) {
    if (next_ >= told_.size()) return false;
    const bool may =
        move.kind == Move::Kind::end || move.kind == Move::Kind::pass || (way_.early && move.kind == Move::Kind::start);
    if (!may || move.counted || told_later(move)) return false;
    const std::string key = leveled(move.key);
    for (const Stage &wanted : stages(told_[next_].cue.key)) {
      const bool again = below(key, wanted.attempt + "/t2");
      const bool block = again || below(key, wanted.attempt + "/t1");
      if (!block || stage_[wanted.attempt] == 'f' || (wanted.what == 't' && again)) continue;
      if (passed_over_++ < way_.fail) return false;
      stage_[wanted.attempt] = 'f';
      return true;
    }
    return false;
  }
  void note_stage(const Move &move) {
    for (const Stage &s : stages(leveled(move.key)))
      if (move.kind != Move::Kind::choice) stage_[s.attempt] = s.what;
  }
  bool holds(plan::NodeId root, std::uint32_t node, int depth) const {
    constexpr int kDepth = 200;
    if (root.index == node) return true;
    if (depth > kDepth) return false;
    const plan::Node &n = plan_.node(root);
    if (n.op == plan::Op::call && holds(plan_.procedures[n.a].body, node, depth + 1)) return true;
    const auto kids = plan_.kids(root);
    return std::any_of(kids.begin(), kids.end(), [&](plan::NodeId k) { return holds(k, node, depth + 1); });
  }
  /// Which of an attempt's recoveries runs: the one that the schedule goes on in.
  int recovers(const Move &move) {
    const std::string key = leveled(move.key);  // ".../r1"
    const std::string attempt = key.substr(0, key.rfind('/'));
    for (std::size_t i = next_; i < told_.size(); ++i) {
      for (const Stage &s : stages(told_[i].cue.key)) {
        if (s.attempt != attempt) continue;
        if (s.what == 'o') return 1;
        if (s.what == 'r') return holds(move.node, told_[i].cue.node, 0) ? 0 : 1;
        return any(move);
      }
    }
    return any(move);
  }
  /// The first one; another way, another one.
  int any(const Move &move) {
    const unsigned number = asked_[move.key]++;
    return number == (way_.branch == 0 ? 0 : 1 + way_.fail % 3) ? 0 : 1;
  }

  /// A step of the schedule that has begun and is best left under way as long as possible.
  bool precious(const Move &move) const {
    for (std::size_t i = 0; i < next_; ++i) {
      const Cue &cue = told_[i].cue;
      if (cue.kind != Cue::Kind::start) continue;
      if (cue.key == move.key || (move.kind == Move::Kind::leave && cue.key.starts_with(move.key))) return true;
    }
    return false;
  }
  bool told_later(const Move &move) const {
    for (std::size_t i = next_; i < told_.size(); ++i)
      if (matches(plan_, told_[i].cue, move)) return true;
    return false;
  }

  /// The offer that leads nearest to one of the places, or nothing.
  const Offer *nearest(const std::vector<Offer> &offers, const std::vector<std::string> &places, bool anything) {
    const Offer *best = nullptr;
    std::array<std::size_t, 3> best_rank{};
    std::vector<const Offer *> fair;
    for (const Offer &o : offers) {
      if (told_later(o.second)) continue;
      for (const std::string &place : places) {
        const Parting parting = place.empty() ? Parting{} : part(o.second.key, place);
        if (!anything && parting.how == Parting::How::beside) continue;
        const bool dear = precious(o.second);
        if (!anything && dear) continue;
        const std::array<std::size_t, 3> rank{std::size_t{dear}, static_cast<std::size_t>(parting.how),
                                              std::size_t{1'000'000} - parting.shared};
        if (parting.how != Parting::How::beside && !dear) fair.push_back(&o);
        if (best == nullptr || rank < best_rank) best = &o, best_rank = rank;
      }
    }
    if (way_.seed != 0 && !fair.empty()) return fair[roll(fair.size())];
    return best;
  }

  const Offer *towards(const std::vector<Offer> &offers) {
    const Offer *found = nearest(offers, {told_[next_].cue.key}, true);
    if (found != nullptr) return found;
    return offers.empty() ? nullptr : &offers.front();  // only later told steps are left: the order is not possible
  }

  /// Something on the way to a told step that is not at its brink yet.
  const Offer *gather(const std::vector<Offer> &offers) {
    std::vector<std::string> places;
    for (std::size_t i = next_; i < told_.size(); ++i) {
      const Told &t = told_[i];
      if (t.cue.kind == Cue::Kind::finish || t.cue.kind == Cue::Kind::leave) continue;
      if (std::none_of(offers.begin(), offers.end(), [&](const Offer &o) { return matches(plan_, t.cue, o.second); }))
        places.push_back(t.cue.key);
    }
    const Offer *found = places.empty() ? nullptr : nearest(offers, places, false);
    gathered_ = found == nullptr;
    return found;
  }

  int way_at(const Move &move) {
    const plan::Op op = plan_.node(move.node).op;
    if (op == plan::Op::recover) return recovers(move);
    if (op == plan::Op::expect_value) return 0;
    if (op == plan::Op::unless) {
      const auto inside = [&](const Told &t) { return t.cue.key.starts_with(leveled(move.key) + "/b"); };
      return std::any_of(told_.begin() + static_cast<std::ptrdiff_t>(next_), told_.end(), inside) ? 1 : way_.branch;
    }
    for (std::size_t i = next_; i < told_.size(); ++i) {
      if (told_[i].cue.key.starts_with(leveled(move.key) + "/b")) return 0;
      if (told_[i].cue.key.starts_with(leveled(move.key) + "/e")) return 1;
    }
    return way_.branch;
  }

  bool take(const Offer &offer, bool is_told) {
    const Move &move = offer.second;
    Taken taken;
    taken.told = is_told;
    taken.kind = move.kind;
    taken.key = move.key;
    taken.text = words(move);
    const Told *step = is_told ? &told_[next_] : nullptr;
    if (step != nullptr) taken.step = step->step;
    out_.taken.push_back(std::move(taken));
    const bool loses = step != nullptr && step->cue.kind == Cue::Kind::lose;
    const bool fail = loses || (!is_told && losing_.empty() && fails(move));
    if (loses) losing_ = step->cue.key;
    if (fail) out_.taken.back().text += ", which fails";
    note_stage(move);
    run_.grant(offer.first, fail ? 1 : move.kind == Move::Kind::choice ? way_at(move) : 0);
    const bool more = run_.advance();
    if (step == nullptr) return more;
    const bool whole = step->cue.kind != Cue::Kind::pass || told(run_.offers()) == nullptr;
    if (whole) ++next_;
    return more;
  }

  std::string words(const Move &move) const {
    std::string out(name_of(move.kind));
    if (move.action.valid()) out += ' ' + std::string(plan_.text(plan_.actions[move.action.index].name));
    if (move.gate.valid()) out += ' ' + std::string(plan_.text(plan_.gates[move.gate.index].name));
    std::string arguments;
    for (const machine::Value &v : move.arguments) {
      if (!arguments.empty()) arguments += ", ";
      arguments += v.is(machine::Value::Kind::host) ? std::string(plan_.text(plan_.hosts[v.as_host().index].name))
                                                    : machine::show(v);
    }
    if (!arguments.empty()) out += '(' + arguments + ')';
    if (move.host.valid()) out += ' ' + std::string(plan_.text(plan_.hosts[move.host.index].name));
    return out;
  }

  /// The violation at the last step of the schedule.
  const Violation *broken() const {
    const Cue &last = told_.back().cue;
    const auto about = [&](const Violation &v) {
      return message_.empty() || v.subject.empty() || rule_ == "undo" ||
             message_.find('`' + v.subject + '`') != std::string::npos;
    };
    const auto at_last = [&](const Violation &v) {
      if (rule_ == "undo") return v.key.starts_with("abort/") && v.key.ends_with("/undo");
      return v.rule == rule_ && (last.kind == Cue::Kind::finish ? v.key.empty() : leveled(v.key) == last.key);
    };
    for (const Violation &v : run_.monitor().violations())
      if (about(v) && at_last(v)) return &v;
    return nullptr;
  }

  void judge() {
    if (told_.empty()) {
      out_.why = "the schedule has no step that could be taken";
      return;
    }
    if (next_ < told_.size()) {
      const Told &t = told_[next_];
      out_.why = fmt::format("step {} ({} {}) cannot be taken", t.step + 1, diagnostics_name(t.cue.kind), t.cue.key);
      if (!out_.halted.empty()) out_.why += ": the run halted: " + out_.halted;
      // the machine's own protection may have stopped exactly this step
      return;
    }
    if (const Violation *v = broken()) {
      out_.reached = true;
      out_.violation = *v;
      return;
    }
    out_.why = "every step was taken, and the rule was not broken at the last one";
    if (!out_.halted.empty()) out_.why += "; the run halted: " + out_.halted;
    for (const Violation &v : run_.monitor().violations())
      out_.why += fmt::format("; {} at {}: {}", v.rule, v.key.empty() ? "the end" : v.key, v.text);
  }

  static std::string_view diagnostics_name(Cue::Kind kind) {
    static constexpr std::array<std::string_view, 11> kNames{"told",  "start",  "end",    "pass", "admit", "leave",
                                                             "pause", "choice", "finish", "lose", "abort"};
    return kNames[static_cast<std::size_t>(kind)];
  }

  std::size_t roll(std::size_t below) { return static_cast<std::size_t>(random_.below(below)); }

  const plan::Plan &plan_;
  std::string rule_, message_;
  Way way_;
  transport::Random random_;
  Run run_;
  std::vector<Told> told_;
  std::size_t next_ = 0;
  bool gathered_ = false;
  bool aborted_ = false;
  unsigned passed_over_ = 0;               // that could have failed
  std::string losing_;                     // the turn that has just failed
  std::map<std::string, unsigned> asked_;  // by the key of a choice: recoveries that it was about so far
  std::map<std::string, char> stage_;      // by attempt: 0 its block, 'f' it has failed, else as in Stage
  Replayed out_;
};

}  // namespace

Replayed replay(const plan::Plan &plan, const safety::Proof &proof, std::string_view rule,
                std::span<const diagnostics::ScheduleStep> schedule, const ReplayOptions &options) {
  Replayed best;
  best.why = "nothing was tried";
  const bool fails = std::any_of(schedule.begin(), schedule.end(), [](const diagnostics::ScheduleStep &s) {
    return s.cue && (s.cue->kind == Cue::Kind::abort || s.cue->key.starts_with("abort") || !stages(s.cue->key).empty());
  });
  const unsigned most = fails && options.tries > 1 ? std::max(options.tries, 512u) : options.tries;
  for (unsigned i = 0; i < most; ++i) {
    const Way way = way_of(options.first_try + i, fails);
    Replayed one = Attempt(plan, proof, rule, schedule, way, options).go();
    one.tries = i + 1;
    one.way = text_of(way);
    if (one.reached) return one;
    if (i == 0 || one.followed > best.followed) best = std::move(one);
  }
  best.tries = most;
  return best;
}

std::string_view name_of(Move::Kind kind) {
  static constexpr std::array<std::string_view, 15> kNames{"start",  "perform",  "end",    "pass", "admit",
                                                           "leave",  "pause",    "choice", "hold", "unhold",
                                                           "accept", "unaccept", "fail",   "lose", "finish"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view name_of(machine::Protection protection) {
  static constexpr std::array<std::string_view, 5> kNames{"nothing", "requirements", "gates", "census", "claims"};
  return kNames[static_cast<std::size_t>(protection)];
}

}  // namespace upg::simulate
