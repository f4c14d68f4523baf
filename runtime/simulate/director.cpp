// Forces an order of steps upon a run: told steps in the order of the schedule, forced ones only where they are needed.
#include "runtime/simulate/director.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "runtime/machine/past.h"

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
};

Way way_of(unsigned number) {
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
  if (number < kFirst.size()) return kFirst[number];
  Way way = kFirst[number % kFirst.size()];
  way.seed = number;
  return way;
}

std::string text_of(const Way &way) {
  return fmt::format("{}{}, `if` {}, lists of {}{}", way.gather ? "gathered first" : "nearest first",
                     way.willing ? ", gates pass when asked" : "", way.branch == 0 ? "true" : "false", way.elements,
                     way.seed != 0 ? fmt::format(", seed {}", way.seed) : "");
}

bool matches(const Cue &cue, const Move &move) {
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
    case Cue::Kind::told:
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
          std::span<const diagnostics::ScheduleStep> schedule, const Way &way, bool protect)
      : plan_(plan), rule_(rule), way_(way), random_(way.seed), run_(plan, proof, options_of(way, protect)) {
    for (std::size_t i = 0; i < schedule.size(); ++i)
      if (schedule[i].cue && schedule[i].cue->kind != Cue::Kind::told) told_.push_back({*schedule[i].cue, i});
  }

  Replayed go() {
    bool more = run_.advance();
    while (more && next_ < told_.size() && out_.taken.size() < kMostMoves) {
      const std::vector<Offer> offers = run_.offers();
      if (offers.empty()) break;
      if (run_.ending().status != machine::Status::running) {  // it halted: what is under way comes to its end
        for (const Offer &o : offers) run_.grant(o.first);
        more = run_.advance();
        continue;
      }
      const Offer *chosen = way_.gather && !gathered_ ? gather(offers) : nullptr;
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
    options.model.willing = way.willing;
    options.model.elements = way.elements;
    options.model.value = way.value;
    return options;
  }

  const Offer *told(const std::vector<Offer> &offers) const {
    for (const Offer &o : offers)
      if (matches(told_[next_].cue, o.second)) return &o;
    return nullptr;
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
      if (matches(told_[i].cue, move)) return true;
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
      if (std::none_of(offers.begin(), offers.end(), [&](const Offer &o) { return matches(t.cue, o.second); }))
        places.push_back(t.cue.key);
    }
    const Offer *found = places.empty() ? nullptr : nearest(offers, places, false);
    gathered_ = found == nullptr;
    return found;
  }

  int way_at(const Move &move) const {
    for (std::size_t i = next_; i < told_.size(); ++i) {
      if (told_[i].cue.key.starts_with(move.key + "/b")) return 0;
      if (told_[i].cue.key.starts_with(move.key + "/e")) return 1;
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
    run_.grant(offer.first, move.kind == Move::Kind::choice ? way_at(move) : 0);
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
    for (const Violation &v : run_.monitor().violations())
      if (v.rule == rule_ && (last.kind == Cue::Kind::finish ? v.key.empty() : v.key == last.key)) return &v;
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
    static constexpr std::array<std::string_view, 9> kNames{"told",  "start", "end",    "pass",  "admit",
                                                            "leave", "pause", "choice", "finish"};
    return kNames[static_cast<std::size_t>(kind)];
  }

  std::size_t roll(std::size_t below) { return static_cast<std::size_t>(random_.below(below)); }

  const plan::Plan &plan_;
  std::string rule_;
  Way way_;
  transport::Random random_;
  Run run_;
  std::vector<Told> told_;
  std::size_t next_ = 0;
  bool gathered_ = false;
  Replayed out_;
};

}  // namespace

Replayed replay(const plan::Plan &plan, const safety::Proof &proof, std::string_view rule,
                std::span<const diagnostics::ScheduleStep> schedule, const ReplayOptions &options) {
  Replayed best;
  best.why = "nothing was tried";
  for (unsigned i = 0; i < options.tries; ++i) {
    const Way way = way_of(options.first_try + i);
    Replayed one = Attempt(plan, proof, rule, schedule, way, options.protected_).go();
    one.tries = i + 1;
    one.way = text_of(way);
    if (one.reached) return one;
    if (i == 0 || one.followed > best.followed) best = std::move(one);
  }
  best.tries = options.tries;
  return best;
}

std::string_view name_of(Move::Kind kind) {
  static constexpr std::array<std::string_view, 14> kNames{"start",  "perform",  "end",    "pass",  "admit",
                                                           "leave",  "pause",    "choice", "hold",  "unhold",
                                                           "accept", "unaccept", "lose",   "finish"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view name_of(machine::Protection protection) {
  static constexpr std::array<std::string_view, 5> kNames{"nothing", "requirements", "gates", "census", "claims"};
  return kNames[static_cast<std::size_t>(protection)];
}

}  // namespace upg::simulate
