// The order of steps that the shape of a plan fixes, and what is summed up over parts of it.
#include <algorithm>

#include "test/oracle/grounder.h"

namespace upg::oracle {

bool Ground::encloses(std::uint32_t a, std::uint32_t b) const {
  while (b != Node::none) {
    if (a == b) return true;
    b = regions[b].parent;
  }
  return false;
}

namespace {

/// The children of the lowest common ancestor under which a and b stand; none if one contains the other.
struct Apart {
  std::uint32_t ancestor = Node::none;
  std::uint32_t left = 0, right = 0;  // places
};
Apart apart(const Ground &g, std::uint32_t a, std::uint32_t b) {
  std::vector<std::uint32_t> up{a};
  while (g.nodes[up.back()].parent != Node::none) up.push_back(g.nodes[up.back()].parent);
  std::vector<std::uint32_t> other{b};
  while (g.nodes[other.back()].parent != Node::none) other.push_back(g.nodes[other.back()].parent);
  std::size_t i = up.size(), j = other.size();
  while (i > 0 && j > 0 && up[i - 1] == other[j - 1]) --i, --j;
  if (i == 0 || j == 0) return {};
  return {g.nodes[up[i - 1]].parent, g.nodes[up[i - 1]].place, g.nodes[other[j - 1]].place};
}

bool phase_before(const Node &dag, std::uint32_t a, std::uint32_t b) {
  std::vector<std::uint32_t> open{b};
  std::vector<bool> seen(dag.children.size());
  while (!open.empty()) {
    const std::uint32_t at = open.back();
    open.pop_back();
    for (const std::uint32_t p : dag.after[at]) {
      if (p == a) return true;
      if (!seen[p]) open.push_back(p);
      seen[p] = true;
    }
  }
  return false;
}

}  // namespace

bool Ground::before(std::uint32_t m, std::uint32_t p) const {
  const Apart at = apart(*this, m, p);
  if (at.ancestor == Node::none) return false;
  const Node &node = nodes[at.ancestor];
  switch (node.shape) {
    case Shape::sequence:
    case Shape::loop:
      return at.left < at.right;
    case Shape::attempt:
      return true;  // in some round
    case Shape::roll:
      if (at.left >= at.right) return false;
      return node.limit == 1 || (node.group_limit == 1 && node.groups[at.left] == node.groups[at.right]);
    case Shape::dag:
      return phase_before(node, at.left, at.right);
    default:
      return false;
  }
}

bool Ground::contains(std::uint32_t outer, std::uint32_t inner) const {
  while (inner != Node::none && inner != outer) inner = nodes[inner].parent;
  return inner == outer;
}

bool Ground::concurrent(std::uint32_t a, std::uint32_t b) const {
  const Apart at = apart(*this, a, b);
  if (at.ancestor == Node::none || nodes[at.ancestor].shape == Shape::choice) return false;
  return !before(a, b) && !before(b, a);
}

/// Unordered phases φ changing a, ψ changing b get the edge φ→ψ.
void Grounder::after_edges() {
  for (std::uint32_t d = 0; d < out_.nodes.size(); ++d) {
    if (out_.nodes[d].shape != Shape::dag) continue;
    Node &dag = out_.nodes[d];
    const std::size_t n = dag.children.size();
    std::vector<Pairs> changes(n, 0);
    for (std::size_t i = 0; i < n; ++i) {
      out_.each_under(dag.children[i], [&](std::uint32_t at) {
        if (out_.nodes[at].shape == Shape::act) changes[i] |= out_.actions[out_.nodes[at].action].changes;
      });
    }
    const auto asked_for = [&](const Ordering &order, std::size_t first, std::size_t second) {
      for (std::size_t a = 0; a < order.groups.size(); ++a) {
        for (std::size_t b = a + 1; b < order.groups.size(); ++b) {
          const Pairs left = changes[first] & order.groups[a], right = changes[second] & order.groups[b];
          if (!left || !right) continue;
          if (!order.on_each_host) return true;
          for (std::size_t x = 0; x < out_.pairs.size(); ++x) {
            for (std::size_t y = 0; y < out_.pairs.size(); ++y) {
              if (has(left, x) && has(right, y) && out_.pairs[x].host == out_.pairs[y].host) return true;
            }
          }
        }
      }
      return false;
    };
    const Node written = dag;
    std::vector<std::vector<std::uint32_t>> after = dag.after;
    for (std::uint32_t i = 0; i < n; ++i) {
      for (std::uint32_t k = 0; k < n; ++k) {
        if (i == k || phase_before(written, i, k) || phase_before(written, k, i)) continue;
        for (const Ordering &order : out_.orders) {
          if (asked_for(order, i, k) && std::find(after[k].begin(), after[k].end(), i) == after[k].end())
            after[k].push_back(i);
        }
      }
    }
    Node derived = dag;
    derived.after = after;
    for (std::uint32_t i = 0; i < n; ++i) {
      if (phase_before(derived, i, i)) out_.order_cycle = true;
    }
    if (!out_.order_cycle) dag.after = std::move(after);
  }
}

void Grounder::summaries() {
  std::vector<std::uint32_t> acts;
  for (std::uint32_t i = 0; i < out_.nodes.size(); ++i) {
    if (out_.nodes[i].shape == Shape::act) acts.push_back(i);
  }
  for (std::uint32_t i = 0; i < out_.nodes.size(); ++i) {
    Node &node = out_.nodes[i];
    if (node.accepts) {
      Pairs of_role = 0;
      for (const auto &pair : out_.roles[*node.accepts].pair_of) of_role |= pair ? one(*pair) : 0;
      for (const std::uint32_t act : acts) {
        const Action &a = out_.actions[out_.nodes[act].action];
        if (out_.contains(i, act)) node.opens |= (a.disrupts | a.changes) & of_role;
      }
      node.lifts = std::none_of(acts.begin(), acts.end(), [&](std::uint32_t act) {
        const Action &a = out_.actions[out_.nodes[act].action];
        return ((a.disrupts | a.changes) & of_role) != 0 && !out_.contains(i, act) && out_.concurrent(act, i);
      });
    }
    if (node.shape == Shape::await && node.region != 0) {
      const std::size_t own = *out_.regions[node.region].host;
      node.own_host = std::none_of(acts.begin(), acts.end(), [&](std::uint32_t act) {
        return has(out_.actions[out_.nodes[act].action].touches, own) && out_.concurrent(act, i);
      });
    }
  }
  for (std::size_t i = out_.nodes.size(); i-- > 0;) {
    Node &node = out_.nodes[i];
    if (node.shape == Shape::act) {
      const Action &a = out_.actions[node.action];
      node.effects_on |= a.touches;
      node.changes_under |= a.changes;
    }
    if (node.parent == Node::none) continue;
    out_.nodes[node.parent].effects_on |= node.effects_on;
    out_.nodes[node.parent].changes_under |= node.changes_under;
  }
}

/// Steps that an abort or a halt may have to undo: all that are not after the point of no return, and armers anywhere.
void Grounder::undos() {
  const auto n = static_cast<std::uint32_t>(out_.nodes.size());
  out_.undo_of.assign(n, Node::none);
  if (out_.on_abort != Node::none) return;  // it stands for every undo
  for (std::uint32_t i = 0; i < n; ++i) {
    const Node node = out_.nodes[i];
    if (node.shape != Shape::act || node.acquires != Node::none || node.releases != Node::none) continue;
    const Action &a = out_.actions[node.action];
    const bool before = out_.no_return != Node::none && !out_.before(out_.no_return, i);
    if ((!before && !a.arms) || !a.undo) continue;
    Node undo = node;  // it stands where its step stands, and is no part of the plan's own way
    undo.action = *a.undo;
    undo.text = out_.actions[*a.undo].name;
    out_.undo_of[i] = static_cast<std::uint32_t>(out_.nodes.size());
    out_.nodes.push_back(std::move(undo));
  }
  out_.undo_of.resize(out_.nodes.size(), Node::none);
}

Ground Grounder::make() {
  site();
  roles();
  budgets();
  policies();
  for (const auto *claims : {&plan_.initially, &plan_.finally}) {
    for (const plan::CellClaim &claim : *claims) {
      if (!claim.hosts.valid()) {
        cell_of(claim.state, std::nullopt);
        continue;
      }
      for (const plan::HostId host : plan_.sets[claim.hosts.index].hosts) cell_of(claim.state, host.index);
    }
  }
  out_.regions.push_back({});
  const Place place;
  out_.root = add(Shape::sequence, Node::none, place, plan_.body);
  Slots slots;
  if (plan_.preflight.valid()) block(plan_.preflight, slots, out_.root, place);
  block(plan_.body, slots, out_.root, place);
  if (plan_.postflight.valid()) block(plan_.postflight, slots, out_.root, place);
  if (plan_.on_abort.valid()) {
    Slots own;
    out_.on_abort = add(Shape::sequence, Node::none, place, plan_.on_abort);
    block(plan_.on_abort, own, out_.on_abort, place);
  }
  out_.tolerate = plan_.tolerate;
  boot_moves();
  after_edges();
  summaries();
  undos();
  for (const auto &[text, index] : once_index_) {
    if (out_.once_keys.size() <= index) out_.once_keys.resize(index + 1);
    out_.once_keys[index] = text;
  }
  if (out_.once_keys.size() > word) throw TooMuch("more `once` than the oracle counts");
  return std::move(out_);
}

GroundResult ground(const plan::Plan &plan) {
  try {
    return {Grounder(plan).make(), ""};
  } catch (const TooMuch &e) {
    return {std::nullopt, e.what()};
  }
}

}  // namespace upg::oracle
