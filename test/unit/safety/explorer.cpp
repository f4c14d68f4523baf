#include "test/unit/safety/explorer.h"

#include <algorithm>
#include <functional>
#include <set>
#include <unordered_set>

namespace upg::safety::testing {
namespace {

// Actions: what they take down, what they change, whether they require the gate `calm`.
struct ActionKind {
  const char *name;
  bool down_q, change_s, calm;
};
constexpr ActionKind kActions[] = {{"stop", true, false, false},
                                   {"change", false, true, false},
                                   {"both", true, true, false},
                                   {"careful", false, true, true}};
// Questions: in_service(h), spare(h) = stoppable of q, calm (watches q), up_q(h) alone.
enum Question { kInService, kSpare, kCalm, kUp, kQuestions };

class Generator {
 public:
  Generator(std::mt19937 &random, int hosts) : random_(random), hosts_(hosts) {}
  Term any(int depth, bool spine, bool in_turn) {
    const int pick = roll(depth > 0 ? 10 : 4);
    Term t;
    if (pick < 4 || budget_ <= 0) return leaf(in_turn);
    if (pick < 6) {
      t.kind = Term::sequence;
      const int n = 2 + roll(2);
      for (int i = 0; i < n; ++i) t.kids.push_back(any(depth - 1, spine, in_turn));
    } else if (pick == 6 && !in_turn) {
      t.kind = Term::parallel;
      for (int i = 0; i < 2; ++i) t.kids.push_back(any(depth - 1, false, in_turn));
    } else if (pick == 7) {
      t.kind = Term::branch;
      for (int i = 0; i < 2; ++i) t.kids.push_back(any(depth - 1, false, in_turn));
    } else if (pick == 8 && !in_turn) {
      t.kind = Term::roll;
      t.batch = static_cast<std::uint32_t>(1 + roll(3));
      for (int h = 0; h < hosts_; ++h) {
        if (roll(4) != 0) t.hosts.push_back(h);
      }
      if (t.hosts.empty()) t.hosts.push_back(0);
      if (roll(3) == 0) t.canary = static_cast<std::uint32_t>(1 + roll(2));
      Term body;
      body.kind = Term::sequence;
      const int n = 1 + roll(3);
      for (int i = 0; i < n; ++i) body.kids.push_back(leaf(true));
      if (roll(2) == 0) body.kids.push_back(question(kInService));
      t.kids.push_back(std::move(body));
      budget_ -= static_cast<int>(t.hosts.size());
    } else if (pick == 9 && spine) {
      t.kind = Term::dag;
      for (int i = 0; i < 3; ++i) {
        t.kids.push_back(any(depth - 1, true, in_turn));
        std::vector<int> after;
        for (int j = 0; j < i; ++j) {
          if (roll(3) == 0) after.push_back(j);
        }
        t.after.push_back(after);
      }
    } else {
      return leaf(in_turn);
    }
    return t;
  }
  int roll(int n) { return static_cast<int>(random_() % static_cast<std::uint32_t>(n)); }

 private:
  Term question(int what) {
    Term t;
    t.kind = Term::await;
    t.what = what;
    return t;
  }
  Term leaf(bool in_turn) {
    --budget_;
    Term t;
    t.kind = roll(2) == 0 ? Term::act : Term::await;
    t.what = t.kind == Term::act ? roll(4) : roll(kQuestions + 2);
    if (t.kind == Term::await && t.what >= kQuestions) t.what = t.what == kQuestions ? kInService : kSpare;
    t.host = in_turn && roll(6) != 0 ? -1 : roll(hosts_);
    return t;
  }
  std::mt19937 &random_;
  int hosts_;
  int budget_ = 6;
};

/// The plan with its turns written out.
struct Flat {
  Term::Kind kind = Term::sequence;
  bool turn = false;
  int what = 0, host = 0, region = 0, turn_host = -1;
  std::uint32_t batch = 1, canary = 0;
  std::vector<std::vector<int>> after;
  std::vector<int> kids;
  int parent = -1;
};

struct Outage {
  int host, role;  // role 2: alive
  bool changing;
  int region;
  bool unknown = false;
  auto operator<=>(const Outage &) const = default;
};

struct Config {
  std::vector<std::uint8_t>
      at;  // per node: leaf 0 waiting, 1 in flight, 2 done; branch: arm + 1; turn: 0, 1 admitted, 2 ended
  std::set<Outage> open;
  std::set<std::pair<int, int>> known;  // gate, region
};

class Explorer {
 public:
  Explorer(const Experiment &e, std::size_t limit) : e_(e), limit_(limit) { flatten(e.plan, -1, 0, -1); }

  Explored run() {
    Config start;
    start.at.assign(nodes_.size(), 0);
    for (int h = 0; h < e_.hosts; ++h) {
      if (!e_.proven) {
        start.open.insert({h, kQ, false, 0, true});
        start.open.insert({h, kS, false, 0, true});
        continue;
      }
      // The preflight has passed all health gates.
      start.known.insert({up(h), 0});
      start.known.insert({ups(h), 0});
    }
    std::vector<Config> todo = {start};
    seen_.insert(key(start));
    while (!todo.empty()) {
      Config c = std::move(todo.back());
      todo.pop_back();
      if (++result_.states > limit_) {
        result_.finished = false;
        break;
      }
      judge(c);
      next_.clear();
      steps(0, c);
      for (Config &n : next_) {
        if (seen_.insert(key(n)).second) todo.push_back(std::move(n));
      }
    }
    return result_;
  }

 private:
  // gates
  int up(int h) const { return h; }
  int ups(int h) const { return 10 + h; }
  int spare(int h) const { return 20 + h; }
  static constexpr int kCalmGate = 40;

  int flatten(const Term &t, int parent, int region, int turn_host) {
    const int me = static_cast<int>(nodes_.size());
    nodes_.push_back({});
    Flat f;
    f.kind = t.kind;
    f.what = t.what;
    f.host = t.host >= 0 ? t.host : turn_host;
    f.region = region;
    f.turn_host = turn_host;
    f.batch = t.batch;
    f.canary = t.canary;
    f.after = t.after;
    f.parent = parent;
    if (t.kind == Term::roll) {
      for (const int h : t.hosts) {
        const int turn = static_cast<int>(nodes_.size());
        nodes_.push_back({});
        Flat it;
        it.turn = true;
        it.kind = Term::sequence;
        it.host = it.turn_host = h;
        it.region = region;
        it.parent = me;
        it.kids.push_back(flatten(t.kids[0], turn, turn, h));
        nodes_[static_cast<std::size_t>(turn)] = it;
        f.kids.push_back(turn);
      }
    } else {
      for (const Term &kid : t.kids) f.kids.push_back(flatten(kid, me, region, turn_host));
    }
    nodes_[static_cast<std::size_t>(me)] = f;
    return me;
  }
  const Flat &node(int i) const { return nodes_[static_cast<std::size_t>(i)]; }
  static std::uint8_t &at(Config &c, int i) { return c.at[static_cast<std::size_t>(i)]; }
  static std::uint8_t at(const Config &c, int i) { return c.at[static_cast<std::size_t>(i)]; }

  bool done(int i, const Config &c) const {
    const Flat &f = node(i);
    switch (f.kind) {
      case Term::act:
      case Term::await:
        return at(c, i) == 2;
      case Term::branch:
        return at(c, i) != 0 && done(f.kids[at(c, i) - std::size_t{1}], c);
      default:
        break;
    }
    if (f.turn) return at(c, i) == 2;
    return std::all_of(f.kids.begin(), f.kids.end(), [&](int k) { return done(k, c); });
  }

  void steps(int i, const Config &c) {
    const Flat &f = node(i);
    switch (f.kind) {
      case Term::act:
        if (at(c, i) == 0) start(i, c);
        if (at(c, i) == 1) end(i, c);
        return;
      case Term::await:
        if (at(c, i) == 0) pass(i, c);
        return;
      case Term::branch:
        if (at(c, i) != 0) {
          steps(f.kids[at(c, i) - std::size_t{1}], c);
          return;
        }
        for (std::size_t k = 0; k < f.kids.size(); ++k) {
          Config n = c;
          at(n, i) = static_cast<std::uint8_t>(k + 1);
          next_.push_back(std::move(n));
        }
        return;
      case Term::roll: {
        std::uint32_t live = 0;
        for (const int k : f.kids) live += at(c, k) == 1;
        bool first = true;
        std::size_t place = 0;
        for (const int k : f.kids) {
          // After the canary the others wait until it has ended.
          if (place++ == f.canary && f.canary != 0) {
            for (std::size_t early = 0; early < f.canary; ++early) first = first && at(c, f.kids[early]) == 2;
          }
          if (at(c, k) == 1) {
            if (done(node(k).kids[0], c))
              end_turn(k, c);
            else
              steps(node(k).kids[0], c);
          } else if (at(c, k) == 0 && first) {
            first = false;
            if (live >= f.batch) continue;
            Config n = c;
            at(n, k) = 1;
            next_.push_back(std::move(n));
          }
        }
        return;
      }
      case Term::parallel:
        for (const int k : f.kids) steps(k, c);
        return;
      case Term::dag:
        for (std::size_t k = 0; k < f.kids.size(); ++k) {
          const bool ready = std::all_of(f.after[k].begin(), f.after[k].end(),
                                         [&](int j) { return done(f.kids[static_cast<std::size_t>(j)], c); });
          if (ready) steps(f.kids[k], c);
        }
        return;
      case Term::sequence:
        for (const int k : f.kids) {
          if (done(k, c)) continue;
          steps(k, c);
          return;
        }
        return;
    }
  }

  bool hits(int act, int gate) const {  // what the gate watches: role q, role s
    const ActionKind &a = kActions[node(act).what];
    if (gate >= 10 && gate < 20) return a.change_s;
    return a.down_q;
  }
  void hit(int act, Config &c) const {
    std::erase_if(c.known, [&](const auto &k) { return hits(act, k.first); });
  }
  bool known(int gate, int region, const Config &c) const {
    for (int r = region;;) {
      if (c.known.contains({gate, r})) return true;
      if (r == 0) return false;
      r = node(r).region;
    }
  }

  void start(int i, const Config &before) {
    const Flat &f = node(i);
    const ActionKind &a = kActions[f.what];
    Config c = before;
    const bool down = std::any_of(c.open.begin(), c.open.end(), [&](const Outage &o) {
      return o.host == f.host && o.role == kQ && !o.changing && !o.unknown;
    });
    for (const Outage &o : c.open) {
      if (o.unknown && ((o.role == kQ && a.down_q) || (o.role == kS && a.change_s))) result_.base = true;
    }
    bool relevant = false;
    if (a.calm) {
      if (!known(kCalmGate, f.region, c)) result_.guard = true;
      relevant = true;
    }
    if (a.down_q) {
      if (!down) {
        if (!known(spare(f.host), f.region, c)) result_.guard = true;
        relevant = true;
      }
      if (!relevant) {  // a known gate with written `watches` that it hits, about it
        bool any = known(kCalmGate, f.region, c) || known(spare(f.host), f.region, c) || known(up(f.host), f.region, c);
        if (a.change_s) any = any || known(ups(f.host), f.region, c);
        if (!any) result_.guard = true;
      }
    }
    at(c, i) = 1;
    hit(i, c);
    if (a.down_q) c.open.insert({f.host, kQ, false, f.region});
    if (a.change_s) c.open.insert({f.host, kS, true, f.region});
    next_.push_back(std::move(c));
  }
  void end(int i, const Config &before) {
    Config c = before;
    at(c, i) = 2;
    hit(i, c);
    next_.push_back(std::move(c));
  }
  void end_turn(int i, const Config &before) {
    Config c = before;
    at(c, i) = 2;
    for (const Outage &o : c.open) {
      if (!o.unknown && within(o.region, i)) result_.returns = true;
    }
    std::erase_if(c.known, [&](const auto &k) { return within(k.second, i); });
    next_.push_back(std::move(c));
  }
  bool within(int region, int turn) const {
    for (int r = region; r != 0; r = node(r).region) {
      if (r == turn) return true;
    }
    return false;
  }

  void pass(int i, const Config &before) {
    const Flat &f = node(i);
    Config c = before;
    at(c, i) = 2;
    std::vector<int> gates;
    std::vector<std::pair<int, int>> z;
    switch (f.what) {
      case kInService:
        gates = {up(f.host), ups(f.host)};
        z = {{f.host, kQ}, {f.host, kS}};
        break;
      case kSpare:
        gates = {spare(f.host)};
        break;
      case kCalm:
        gates = {kCalmGate};
        break;
      case kUp:
        gates = {up(f.host)};
        z = {{f.host, kQ}};
        break;
      default:
        break;
    }
    const auto busy = [&](int host, int role) {
      for (int b = 0; b < static_cast<int>(nodes_.size()); ++b) {
        if (node(b).kind != Term::act || at(c, b) != 1 || node(b).host != host) continue;
        if (role == kQ ? kActions[node(b).what].down_q : kActions[node(b).what].change_s) return true;
      }
      return false;
    };
    for (const auto &[host, role] : z) {
      if (busy(host, role)) continue;
      std::erase_if(c.open, [&, h = host, r = role](const Outage &o) {
        const bool mine = f.region == 0 || o.region == f.region || within(o.region, f.region) || f.turn_host == h;
        return o.host == h && o.role == r && mine;
      });
    }
    if (!z.empty()) {
      std::erase_if(c.known, [&](const auto &k) {
        return std::any_of(z.begin(), z.end(),
                           [&](const auto &pair) { return (k.first >= 10 && k.first < 20) == (pair.second == kS); });
      });
    }
    for (const int g : gates) {
      bool hit_now = false;
      for (int b = 0; b < static_cast<int>(nodes_.size()); ++b)
        hit_now = hit_now || (node(b).kind == Term::act && at(c, b) == 1 && hits(b, g));
      if (!hit_now) c.known.insert({g, f.region});
    }
    next_.push_back(std::move(c));
  }

  void judge(const Config &c) {
    std::set<int> down, changing;
    for (const Outage &o : c.open) {
      if (o.unknown) continue;
      if (o.role == kQ) down.insert(o.host);
      if (o.role == kS) changing.insert(o.host);
    }
    std::uint64_t weight = 0;
    for (const int h : down) weight += e_.votes[static_cast<std::size_t>(h)];
    result_.worst = std::max(result_.worst, weight);
    if (changing.size() > 1) result_.serial = true;
    if (done(0, c) && std::any_of(c.open.begin(), c.open.end(), [](const Outage &o) { return !o.unknown; }))
      result_.returns = true;
  }

  static std::string key(const Config &c) {
    std::string k(c.at.begin(), c.at.end());
    for (const Outage &o : c.open) {
      for (const int x : {o.host, o.role, int{o.changing}, o.region, int{o.unknown}}) k += static_cast<char>(x);
    }
    k += '|';
    for (const auto &[g, r] : c.known) {
      k += static_cast<char>(g);
      k += static_cast<char>(r);
    }
    return k;
  }

  const Experiment &e_;
  std::size_t limit_;
  std::vector<Flat> nodes_;
  std::vector<Config> next_;
  std::unordered_set<std::string> seen_;
  Explored result_;
};

}  // namespace

Experiment::Experiment(std::uint32_t seed) {
  std::mt19937 random(seed);
  hosts = 3 + static_cast<int>(random() % 3);
  for (int h = 0; h < hosts; ++h) votes.push_back(random() % 4 == 0 ? 2 : 1);
  proven = random() % 3 != 0;
  Generator g(random, hosts);
  plan.kind = Term::sequence;
  plan.kids.push_back(g.any(3, true, false));
  plan.kids.push_back(g.any(2, true, false));
}

Explored Experiment::explore(std::size_t limit) const { return Explorer(*this, limit).run(); }

void Experiment::build(PlanBuilder &b) const {
  const plan::RoleId q = b.role("q", {PlanBuilder::quorum()});
  const plan::RoleId s = b.role("s", {PlanBuilder::available(plan::AvailableKind::may_be_down)}, true);
  b.usual_gates(q);
  b.usual_gates(s);
  b.p.roles[s.index].stoppable = {};
  const plan::GateId spare = b.p.roles[q.index].stoppable, up = b.p.roles[q.index].health;
  std::vector<plan::HostId> ids;
  for (int h = 0; h < hosts; ++h)
    ids.push_back(b.host("h" + std::to_string(h), {q, s}, {}, votes[static_cast<std::size_t>(h)]));
  const plan::GateId calm = b.cluster_gate("calm", {q});
  std::vector<plan::ActionId> actions;
  for (const ActionKind &a : kActions) {
    Ns effects, needs;
    if (a.down_q) effects.push_back(b.disrupts(q));
    if (a.change_s) effects.push_back(b.changes(s));
    if (a.calm) needs.push_back(b.need_gate(calm, false));
    actions.push_back(b.action(a.name, effects, needs));
  }
  using Make = std::function<N()>;
  const std::function<N(const Term &, const Make &)> make = [&](const Term &t, const Make &turn) -> N {
    const auto host = [&] { return t.host >= 0 ? b.host_node(ids[static_cast<std::size_t>(t.host)]) : turn(); };
    switch (t.kind) {
      case Term::act:
        return b.act(actions[static_cast<std::size_t>(t.what)], {host()});
      case Term::await:
        if (t.what == kInService) return b.in_service(host());
        if (t.what == kSpare) return b.await(spare, {host()});
        if (t.what == kUp) return b.await(up, {host()});
        return b.await(calm);
      case Term::parallel:
        return b.parallel({{make(t.kids[0], turn)}, {make(t.kids[1], turn)}});
      case Term::branch:
        return b.branch({make(t.kids[0], turn)}, {make(t.kids[1], turn)});
      case Term::roll: {
        std::vector<plan::HostId> set;
        for (const int h : t.hosts) set.push_back(ids[static_cast<std::size_t>(h)]);
        RollOptions o = batch(t.batch);
        o.canary = t.canary;
        return b.roll(b.set(set), o, [&](auto n) { return Ns{make(t.kids[0], [n] { return n(); })}; });
      }
      case Term::dag: {
        Ns phases;
        for (std::size_t i = 0; i < t.kids.size(); ++i) {
          std::vector<std::uint32_t> after(t.after[i].begin(), t.after[i].end());
          phases.push_back(b.phase("p" + std::to_string(i), after, {make(t.kids[i], turn)}));
        }
        return b.dag(phases);
      }
      case Term::sequence: {
        Ns kids;
        for (const Term &k : t.kids) kids.push_back(make(k, turn));
        return b.block(kids);
      }
    }
    return {};
  };
  const N body = make(plan, [] { return N(); });
  b.finish({body}, proven);
}

std::string Experiment::text() const {
  const std::function<std::string(const Term &)> say = [&](const Term &t) -> std::string {
    const std::string h = t.host < 0 ? "n" : "h" + std::to_string(t.host);
    static constexpr const char *kAsk[] = {"in_service", "spare", "calm", "up"};
    std::string out;
    switch (t.kind) {
      case Term::act:
        return std::string(kActions[t.what].name) + '(' + h + ')';
      case Term::await:
        return std::string("?") + kAsk[t.what] + '(' + h + ')';
      case Term::parallel:
        return "(" + say(t.kids[0]) + " || " + say(t.kids[1]) + ")";
      case Term::branch:
        return "if{" + say(t.kids[0]) + " else " + say(t.kids[1]) + "}";
      case Term::roll:
        out = "roll" + std::to_string(t.batch) + (t.canary != 0 ? " canary " + std::to_string(t.canary) : "") + "[";
        for (const int x : t.hosts) out += std::to_string(x);
        return out + "]{" + say(t.kids[0]) + "}";
      case Term::dag:
        out = "dag{";
        for (std::size_t i = 0; i < t.kids.size(); ++i) {
          out += " p" + std::to_string(i) + " after";
          for (const int j : t.after[i]) out += ' ' + std::to_string(j);
          out += ": " + say(t.kids[i]) + ';';
        }
        return out + '}';
      case Term::sequence:
        for (const Term &k : t.kids) out += (out.empty() ? "" : "; ") + say(k);
        return out;
    }
    return out;
  };
  std::string out = std::to_string(hosts) + (proven ? "" : " unproven") + " hosts, votes";
  for (const std::uint32_t v : votes) out += ' ' + std::to_string(v);
  return out + ": " + say(plan);
}

}  // namespace upg::safety::testing
