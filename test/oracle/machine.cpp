// What `Config::at` says of a node: 0 not begun; `done`; for a sequence 1 + the current child; choice and loop 1 until
// taken, then 2 + branch or 2 + 3 * copies + copy; unless 1, then 2 inside; act 1 enabled, 2 in flight; attempt
// 2 + 16 * failed rounds + child; others 1.
#include "test/oracle/machine.h"

#include <algorithm>

namespace upg::oracle {

Pairs open_pairs(const Config &config) {
  Pairs result = 0;
  for (const Outage &o : config.open) result |= one(o.pair);
  return result;
}

std::string tell(const Ground &ground, const Step &step) {
  const Node &node = ground.nodes[step.node];
  std::string who;
  if (node.region != 0) who = ground.host_names[*ground.regions[node.region].host] + ": ";
  switch (step.what) {
    case Move_::start:
      return who + node.text + " starts";
    case Move_::end:
      return who + node.text + " ends";
    case Move_::pass:
    case Move_::pause:
      return who + node.text;
    case Move_::take:
      if (node.shape == Shape::no_return) return "the point of no return";
      return who + (node.shape == Shape::loop ? "goes round " + std::to_string(step.choice) + " times"
                                              : "takes branch " + std::to_string(step.choice + 1));
    case Move_::skip:
      return who + "finds " + node.text;
    case Move_::enter:
      return who + "finds not " + node.text;
    case Move_::expect:
      return who + "expects " + node.text;
    case Move_::admit:
      return node.text + " begins";
    case Move_::fail:
      return who + "a step of the attempt fails";
    case Move_::lose:
      return node.text + " fails: the host is lost";
    case Move_::abort:
      return "the run is aborted";
    case Move_::halt:
      return "a step fails: the run halts and gives holds back";
  }
  return "";
}

Machine::Machine(const Ground &ground, Listener *listener, std::uint32_t root)
    : g_(ground), listener_(listener), root_(root), explicit_admission_(!ground.ranks.empty()) {
  for (const Node &node : g_.nodes) keeps_movers_ = keeps_movers_ || node.shape == Shape::attempt;
  for (const plan::State &state : g_.plan->states) keeps_movers_ = keeps_movers_ || !state.taints.empty();
  hits_.resize(g_.actions.size());
  matters_.assign(g_.gates.size(), false);
  for (std::size_t a = 0; a < g_.actions.size(); ++a) {
    hits_[a].resize(g_.gates.size());
    for (std::size_t g = 0; g < g_.gates.size(); ++g) {
      hits_[a][g] = g_.actions[a].reach.meets(g_.gates[g].watch);
      if (g_.actions[a].destructive() && g_.gates[g].written && hits_[a][g]) matters_[g] = true;
    }
    for (const std::size_t g : g_.actions[a].gates) matters_[g] = true;
    for (std::size_t p = 0; p < g_.pairs.size(); ++p) {
      if (has(g_.actions[a].disrupts, p) && g_.stoppable_of[p]) matters_[*g_.stoppable_of[p]] = true;
    }
  }
}

Config Machine::initial() const {
  Config c;
  c.at.assign(g_.nodes.size(), 0);
  for (const Cell &cell : g_.cells) c.sigma.push_back(cell.initially);
  for (std::size_t p = 0; p < g_.pairs.size(); ++p) {
    if (!has(g_.out, g_.pairs[p].host)) c.unproven |= one(p);
  }
  c.mover.assign(g_.cells.size(), Node::none);
  c.under.assign(g_.withs.size(), 0);
  return c;
}

void Machine::begin(Config &config) { activate(config, root_); }

// ---- the marks

void Machine::clear(Config &config, std::uint32_t node) const {
  for (const std::uint32_t kid : g_.nodes[node].children) {
    if (config.at[kid] == 0) continue;
    config.at[kid] = 0;
    clear(config, kid);
  }
}

void Machine::activate(Config &config, std::uint32_t index) {
  const Node &node = g_.nodes[index];
  config.at[index] = 1;
  switch (node.shape) {
    case Shape::sequence:
      next_in(config, index);
      return;
    case Shape::phase:
    case Shape::turn:
      activate(config, node.children[0]);
      return;
    case Shape::fork:
      if (listener_) listener_->forks(config, index, Node::none);
      for (const std::uint32_t kid : node.children) {
        if (config.at[index] == 1) activate(config, kid);
      }
      return;
    case Shape::dag:
      release_phases(config, index);
      return;
    case Shape::roll:
      if (listener_ && node.limit > 1) listener_->forks(config, index, Node::none);
      if (!explicit_admission_) admit(config, index, false);
      return;
    case Shape::choice:
    case Shape::loop:
      if (listener_) listener_->chooses(config, index);
      return;
    case Shape::attempt:
      config.at[index] = 2;
      activate(config, node.children[0]);
      return;
    case Shape::act:
      // A later round counts on the holds that it still has.
      if (node.acquires != Node::none && has(config.kept, g_.withs[node.acquires].hold)) complete(config, index);
      // What a round has taken and not left stays in force through the recoveries: holds are counted.
      if (node.releases != Node::none && has(config.kept, g_.withs[node.releases].hold) && recovers(index)) {
        config.under[node.releases] = 0;
        complete(config, index);
      }
      return;
    default:
      return;
  }
}

/// Goes on with the first child that has not been begun; a sequence counts its children in its own mark.
void Machine::next_in(Config &config, std::uint32_t index) {
  const Node &node = g_.nodes[index];
  const std::size_t child = config.at[index] - 1u;
  if (child == node.children.size()) {
    complete(config, index);
    return;
  }
  activate(config, node.children[child]);
}

void Machine::complete(Config &config, std::uint32_t index) {
  const Node &node = g_.nodes[index];
  clear(config, index);
  config.at[index] = done;
  if (node.shape == Shape::turn) {
    if (listener_) listener_->turn_ends(config, index);
    std::erase_if(config.known, [&](const Known &k) { return g_.encloses(node.region, k.region); });
    // What it leaves open belongs to its surroundings from here on.
    for (Outage &o : config.open) {
      if (g_.encloses(node.region, o.region)) o.region = g_.regions[node.region].parent;
    }
    std::sort(config.open.begin(), config.open.end());
    config.open.erase(std::unique(config.open.begin(), config.open.end()), config.open.end());
  }
  if (node.accepts) {
    if (listener_) listener_->acceptance_ends(config, index);
    weighs_again(config, node);
    if (listener_ && config.lost != 0) listener_->gives_up(config, index);
  }
  if (node.shape == Shape::phase && listener_) listener_->phase_ends(config, index);
  if (index == root_ || index == g_.on_abort) {
    if (listener_) listener_->plan_ends(config);
    return;
  }
  child_done(config, node.parent, index);
}

void Machine::child_done(Config &config, std::uint32_t index, std::uint32_t child) {
  const Node &node = g_.nodes[index];
  const auto all_done = [&] {
    return std::all_of(node.children.begin(), node.children.end(),
                       [&](std::uint32_t kid) { return config.at[kid] == done; });
  };
  switch (node.shape) {
    case Shape::sequence:
      config.at[child] = 0;
      ++config.at[index];
      next_in(config, index);
      return;
    case Shape::fork:
      if (all_done()) complete(config, index);
      return;
    case Shape::dag:
      if (all_done()) {
        complete(config, index);
      } else {
        release_phases(config, index);
      }
      return;
    case Shape::roll:
      if (all_done()) {
        complete(config, index);
      } else if (!explicit_admission_) {
        admit(config, index, false);
      }
      return;
    case Shape::loop: {
      const std::uint32_t copies = (config.at[index] - 2u) / 3, copy = (config.at[index] - 2u) % 3 + 1;
      config.at[child] = 0;
      if (copy == copies) {
        complete(config, index);
      } else {
        ++config.at[index];
        activate(config, node.children[copy]);
      }
      return;
    }
    case Shape::attempt: {
      const std::uint32_t part = (config.at[index] - 2u) % 16;
      config.at[child] = 0;
      if (part == 0) {
        complete(config, index);
      } else if (node.has_otherwise && part + 1 == node.children.size()) {
        config.halted = true;
      } else {
        config.at[index] = static_cast<std::uint16_t>(config.at[index] + 16 - part);
        activate(config, node.children[0]);
      }
      return;
    }
    default:  // one child
      complete(config, index);
  }
}

void Machine::release_phases(Config &config, std::uint32_t index) {
  const Node &node = g_.nodes[index];
  for (std::uint32_t i = 0; i < node.children.size(); ++i) {
    const std::uint32_t kid = node.children[i];
    if (config.at[index] != 1) return;  // it ended meanwhile
    if (config.at[kid] != 0) continue;
    const bool ready = std::all_of(node.after[i].begin(), node.after[i].end(),
                                   [&](std::uint32_t p) { return config.at[node.children[p]] == done; });
    if (!ready) continue;
    if (listener_) listener_->forks(config, index, i);
    activate(config, kid);
  }
}

bool Machine::may_admit(const Config &config, std::uint32_t index, std::uint32_t &turn) const {
  const Node &node = g_.nodes[index];
  std::uint32_t live = 0, live_in_group = 0;
  std::uint32_t next = Node::none;
  const auto room = [&](std::uint32_t turn_at) {
    live_in_group = 0;
    for (std::uint32_t i = 0; i < node.children.size(); ++i) {
      const std::uint16_t at = config.at[node.children[i]];
      if (at != 0 && at != done && node.groups[i] == node.groups[turn_at]) ++live_in_group;
    }
    return node.group_limit == 0 || live_in_group < node.group_limit;
  };
  for (std::uint32_t i = 0; i < node.children.size(); ++i) {
    const std::uint16_t at = config.at[node.children[i]];
    if (at != 0 && at != done) ++live;
    if (at == 0 && next == Node::none && (!node.passes_over || room(i))) next = i;
  }
  if (next == Node::none || live >= node.limit || !room(next)) return false;
  turn = node.children[next];
  return true;
}

void Machine::admit(Config &config, std::uint32_t index, bool one_by_one) {
  std::uint32_t turn = 0;
  while (config.at[index] == 1 && may_admit(config, index, turn)) {
    const Node &node = g_.nodes[index];
    if (has(config.lost, g_.nodes[turn].host)) {  // in no turn any more
      config.at[turn] = done;
      child_done(config, index, turn);
      continue;
    }
    if (listener_) {
      if (node.limit > 1) listener_->forks(config, index, g_.nodes[turn].place);
      listener_->admits(config, turn);
    }
    config.visited |= one(g_.nodes[turn].host);
    activate(config, turn);
    if (one_by_one) return;
  }
}

// ---- the steps

std::vector<Step> Machine::enabled(const Config &config) const {
  std::vector<Step> steps;
  if (config.halted) return steps;
  for (std::uint32_t i = 0; i < config.at.size(); ++i) {
    const std::uint16_t at = config.at[i];
    if (at == 0 || at == done) continue;
    const Node &node = g_.nodes[i];
    switch (node.shape) {
      case Shape::choice:
        if (at == 1) return {{i, Move_::take, 0}, {i, Move_::take, 1}};  // opaque: when does not matter
        break;
      case Shape::loop:
        if (at == 1) {
          std::vector<Step> result;
          for (std::uint32_t n = 0; n <= node.children.size(); ++n) result.push_back({i, Move_::take, n});
          return result;
        }
        break;
      case Shape::act:
        steps.push_back({i, at == 1 ? Move_::start : Move_::end});
        break;
      case Shape::await:
        steps.push_back({i, Move_::pass});
        break;
      case Shape::no_return:  // a step, so that an abort may come right before it
        steps.push_back({i, Move_::take});
        break;
      case Shape::pause:
        steps.push_back({i, Move_::pause});
        break;
      case Shape::expect:
        steps.push_back({i, Move_::expect});
        break;
      case Shape::unless: {
        if (at != 1) break;
        const Values values = config.sigma[node.test.cell];
        const Values tested = Values{1} << node.test.value;
        if ((values & tested) != 0) steps.push_back({i, Move_::skip});
        if ((values & ~tested) != 0) steps.push_back({i, Move_::enter});
        break;
      }
      case Shape::roll: {
        std::uint32_t turn = 0;
        if (explicit_admission_ && may_admit(config, i, turn)) steps.push_back({turn, Move_::admit});
        break;
      }
      case Shape::attempt: {
        const std::uint32_t round = (at - 2u) / 16, part = (at - 2u) % 16;
        if (part != 0) break;
        if (!node.has_otherwise) steps.push_back({i, Move_::fail, 0});
        for (std::uint32_t kid = 1; kid < node.children.size(); ++kid) {
          const bool otherwise = node.has_otherwise && kid + 1 == node.children.size();
          if (otherwise || round + 1 < std::min<std::uint32_t>(node.limit, 3)) steps.push_back({i, Move_::fail, kid});
        }
        break;
      }
      case Shape::turn:
        if (std::uint32_t armed = 0; listener_ && may_lose(config, i, armed)) steps.push_back({i, Move_::lose, armed});
        break;
      default:
        break;
    }
  }
  return steps;
}

void Machine::take(Config &config, const Step &step) {
  const Node &node = g_.nodes[step.node];
  const Values tested = Values{1} << node.test.value;
  switch (step.what) {
    case Move_::start:
      start(config, step.node);
      return;
    case Move_::end:
      end(config, step.node);
      return;
    case Move_::pass:
      pass(config, step.node);
      return;
    case Move_::take:
      if (node.shape == Shape::no_return) {
        if (step.node == g_.no_return) config.forward = true, config.begun.clear();
        complete(config, step.node);
      } else if (node.shape == Shape::choice) {
        config.at[step.node] = static_cast<std::uint16_t>(2 + step.choice);
        activate(config, node.children[step.choice]);
      } else if (step.choice == 0) {
        complete(config, step.node);
      } else {
        config.at[step.node] = static_cast<std::uint16_t>(2 + 3 * step.choice);
        activate(config, node.children[0]);
      }
      return;
    case Move_::skip:
      if (listener_) listener_->at_test(config, step.node, false), listener_->chooses(config, step.node);
      config.sigma[node.test.cell] = tested;
      complete(config, step.node);
      return;
    case Move_::enter:
      if (listener_) listener_->at_test(config, step.node, false), listener_->chooses(config, step.node);
      config.sigma[node.test.cell] &= ~tested;
      config.at[step.node] = 2;
      activate(config, node.children[0]);
      return;
    case Move_::expect:
      if (listener_) listener_->at_test(config, step.node, true);
      if ((config.sigma[node.test.cell] & tested) != 0) {
        config.sigma[node.test.cell] = tested;
      } else if (resumed(config, step.node)) {  // on the way back from a failure: the run halts, as it should
        config.halted = true;
        return;
      }
      complete(config, step.node);
      return;
    case Move_::pause:
      if (listener_) listener_->at_pause(config, step.node);
      complete(config, step.node);
      return;
    case Move_::admit:
      admit(config, g_.nodes[step.node].parent, true);
      return;
    case Move_::fail:
      fail(config, step.node, step.choice);
      return;
    case Move_::lose:
      lose(config, step.node);
      return;
    case Move_::abort:
    case Move_::halt:
      return;
  }
}

void Machine::forget_hit(Config &config, std::size_t action) const {
  std::erase_if(config.known, [&](const Known &k) { return hits_[action][k.gate]; });
}

void Machine::forget_closed(Config &config, Pairs before) const {
  const Pairs closed = before & ~open_pairs(config);
  for (Pairs &under : config.under) under &= ~closed;
  config.accepted &= ~closed;
  config.lowered &= ~closed;
  config.left &= ~closed;
}

void Machine::weighs_again(Config &config, const Node &scope) const {
  const Pairs stays = ~scope.opens | accepted_at(scope);
  config.accepted &= stays;
  config.lowered &= stays;
}

Pairs Machine::accepted_at(const Node &node) const {
  Pairs result = 0;
  for (const std::uint32_t scope : node.outages) {
    if (!g_.nodes[scope].lifts) continue;
    for (const auto &pair : g_.roles[*g_.nodes[scope].accepts].pair_of) result |= pair ? one(*pair) : 0;
  }
  return result;
}

std::vector<std::size_t> Machine::required(const Config &config, std::uint32_t index) const {
  const Action &a = g_.actions[g_.nodes[index].action];
  const Pairs accepted = accepted_at(g_.nodes[index]);
  std::vector<std::size_t> result = a.gates;
  for (std::size_t p = 0; p < g_.pairs.size(); ++p) {
    if (!has(a.disrupts & ~accepted, p) || !g_.stoppable_of[p]) continue;
    const bool down = std::any_of(config.open.begin(), config.open.end(),
                                  [&](const Outage &o) { return o.pair == p && o.kind == Kind::down; });
    if (!down && std::find(result.begin(), result.end(), *g_.stoppable_of[p]) == result.end())
      result.push_back(*g_.stoppable_of[p]);
  }
  return result;
}

bool Machine::known(const Config &config, std::size_t gate, std::uint32_t step) const {
  return std::any_of(config.known.begin(), config.known.end(), [&](const Known &k) {
    if (k.gate != gate || !g_.encloses(k.region, g_.nodes[step].region) || g_.concurrent(k.by, step)) return false;
    // What was asked before an attempt counts in it the first time only.
    for (std::uint32_t x = step; x != Node::none; x = g_.nodes[x].parent) {
      if (g_.nodes[x].shape == Shape::attempt && config.at[x] > 2 && !g_.contains(x, k.by)) return false;
    }
    return true;
  });
}

bool Machine::closes(std::uint32_t index, std::size_t pair, std::uint32_t region) const {
  const Node &node = g_.nodes[index];
  const bool asks = std::any_of(node.gates.begin(), node.gates.end(),
                                [&](std::size_t g) { return has(g_.gates[g].health_of, pair); });
  if (!asks) return false;
  if (g_.encloses(node.region, region)) return true;
  return node.own_host && g_.regions[node.region].host == g_.pairs[pair].host && g_.encloses(region, node.region);
}

void Machine::start(Config &config, std::uint32_t index) {
  const Node &node = g_.nodes[index];
  const Action &a = g_.actions[node.action];
  if (listener_) listener_->before_start(config, index);
  config.at[index] = 2;
  config.in_flight.insert(std::upper_bound(config.in_flight.begin(), config.in_flight.end(), index), index);
  forget_hit(config, node.action);
  const std::vector<Values> before = config.sigma;
  for (const Move &m : a.moves) {
    Values &v = config.sigma[m.cell];
    v |= m.via | Values{1} << m.to;
    if (m.failed) v |= Values{1} << *m.failed;
  }
  for (const Move &m : a.moves) config.vague &= ~one(m.cell);
  for (const BootMove &m : a.boot_moves) {
    Values &v = config.sigma[m.cell];
    if ((v >> m.from & 1) != 0) v |= Values{1} << m.to;
  }
  for (std::size_t c = 0; c < g_.cells.size(); ++c) {
    if (!keeps_movers_ && g_.cells[c].transient == 0) continue;
    // A boot moves what stands where it moves from.
    const bool boots = std::any_of(a.boot_moves.begin(), a.boot_moves.end(),
                                   [&](const BootMove &m) { return m.cell == c && (before[c] >> m.from & 1) != 0; });
    const bool moves = std::any_of(a.moves.begin(), a.moves.end(), [&](const Move &m) { return m.cell == c; });
    if (boots || moves) config.mover[c] = index;
  }
  const auto add = [&](Pairs pairs, Kind kind) {
    for (std::uint16_t p = 0; p < g_.pairs.size(); ++p) {
      if (!has(pairs, p)) continue;
      const Outage o{p, kind, node.region};
      const auto at = std::lower_bound(config.open.begin(), config.open.end(), o);
      if (at == config.open.end() || *at != o) config.open.insert(at, o);
    }
  };
  const Pairs before_it = open_pairs(config), lifted = accepted_at(node);
  Pairs down = 0;
  for (const Outage &o : config.open) down |= o.kind == Kind::down ? one(o.pair) : 0;
  config.accepted |= (a.disrupts | a.changes) & lifted & ~before_it;
  config.lowered |= a.disrupts & lifted & before_it & ~down;
  if (config.aborting) takes(config, index);
  add(a.disrupts, Kind::down);
  add(a.changes, Kind::changing);
  if (a.once) config.once |= one(*a.once);
  if (!node.in_turn) config.visited |= a.touches;
  config.changed |= a.changes;
  const bool own = node.acquires == Node::none && node.releases == Node::none;
  if (g_.no_return != Node::none && g_.on_abort == Node::none && !config.forward && own && listener_)
    config.begun.push_back(index);
  // Outages that the hold must outlive.
  const auto opened = [&](std::uint32_t w) {
    const std::size_t hold = g_.withs[w].hold;
    if (has(a.needs_held, hold)) config.under[w] |= a.disrupts | a.changes;
    for (std::size_t p = 0; p < g_.pairs.size(); ++p) {
      if (has(a.disrupts | a.changes, p) && g_.plan->roles[g_.pairs[p].role].down_only_under == g_.holds[hold].hold)
        config.under[w] |= one(p);
    }
  };
  for (const std::uint32_t w : node.withs) opened(w);
  if (node.acquires != Node::none) opened(node.acquires);
  if (listener_) listener_->after_start(config, index);
}

void Machine::end(Config &config, std::uint32_t index) {
  const Node &node = g_.nodes[index];
  const Action &a = g_.actions[node.action];
  std::erase(config.in_flight, index);
  forget_hit(config, node.action);
  Cells moved = 0;
  for (const Move &m : a.moves) {
    config.sigma[m.cell] = Values{1} << m.to;
    moved |= one(m.cell);
  }
  for (const BootMove &m : a.boot_moves) {
    Values &v = config.sigma[m.cell];
    if (!has(moved, m.cell) && (v >> m.from & 1) != 0) v = (v & ~(Values{1} << m.from)) | Values{1} << m.to;
  }
  const Pairs before = open_pairs(config);
  std::erase_if(config.open, [&](const Outage &o) {
    const Pair &pair = g_.pairs[o.pair];
    return o.kind == Kind::down && has(a.boots, pair.host) && g_.roles[pair.role].alive;
  });
  forget_closed(config, before);
  if (node.releases != Node::none) {
    config.under[node.releases] = 0;
    config.kept &= ~one(g_.withs[node.releases].hold);
  }
  if (listener_) listener_->after_end(config, index);
  complete(config, index);
}

void Machine::pass(Config &config, std::uint32_t index) {
  const Node &node = g_.nodes[index];
  if (listener_) listener_->at_await(config, index);
  Pairs asked = 0, busy = 0;
  for (const std::size_t g : node.gates) asked |= g_.gates[g].health_of;
  for (const std::uint32_t b : config.in_flight) {
    const Action &a = g_.actions[g_.nodes[b].action];
    busy |= a.disrupts | a.changes;
  }
  const Pairs before = open_pairs(config);
  const auto closed = [&](std::size_t pair, std::uint32_t region) {
    return has(asked, pair) && !has(config.lost, g_.pairs[pair].host) && !has(busy, pair) &&
           closes(index, pair, region);
  };
  std::erase_if(config.open, [&](const Outage &o) { return closed(o.pair, o.region); });
  for (std::size_t p = 0; p < g_.pairs.size(); ++p) {
    if (closed(p, 0)) config.unproven &= ~one(p);
  }
  forget_closed(config, before);
  if (asked != 0) {
    std::erase_if(config.known, [&](const Known &k) {
      const Items &watch = g_.gates[k.gate].watch;
      return watch.star || watch.everything || (watch.pairs & asked) != 0;
    });
  }
  for (const std::size_t g : node.gates) {
    if (!matters_[g]) continue;
    const bool hit = std::any_of(config.in_flight.begin(), config.in_flight.end(),
                                 [&](std::uint32_t b) { return hits_[g_.nodes[b].action][g]; });
    if (hit) continue;
    const Known k{static_cast<std::uint32_t>(g), node.region, index};
    const auto at = std::lower_bound(config.known.begin(), config.known.end(), k);
    if (at == config.known.end() || *at != k) config.known.insert(at, k);
  }
  complete(config, index);
}

}  // namespace upg::oracle
