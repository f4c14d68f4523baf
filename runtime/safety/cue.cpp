// Steps of a schedule as the machine names them: its step keys, turns included.
#include "runtime/safety/analysis.h"

namespace upg::safety {
namespace {

using diagnostics::Cue;
using plan::Op;

/// What the step adds to the key of its parent.
std::string part(const Analysis &a, StepIx parent, StepIx s) {
  const plan::Plan &p = a.plan;
  const Step &outer = a.tree[parent], &step = a.tree[s];
  if (outer.parent == kNone) {  // the plan itself
    if (s == a.tree.on_abort()) return "abort";
    return s == a.tree.preflight() ? "preflight" : s == a.tree.postflight() ? "postflight" : "body";
  }
  if (outer.kind == StepKind::attempt) {  // rounds count from 1: the first fails, the second comes after a recovery
    const std::uint32_t which = a.tree.ordinal(s);
    if (which == 0) return "/t1";
    if (which <= outer.recoveries) return "/r1/b";
    return which == outer.recoveries + 1 ? "/t2" : "/o";
  }
  if (step.acquire) return "/acquire";
  if (step.release) return "/release";
  if (step.node == outer.node) {  // the turns of a rollout
    if (step.host != kNone) return '[' + std::string(a.site.host_name(step.host)) + ']';
    return step.kind == StepKind::pause ? "/soak" : "";
  }
  std::size_t at = 0;
  const auto kids = p.kids(outer.node);
  while (at < kids.size() && kids[at] != step.node) ++at;
  switch (p.node(outer.node).op) {
    case Op::block:
    case Op::dag:
      return '/' + std::to_string(at);
    case Op::parallel:
      return "/b" + std::to_string(at);
    case Op::branch:
      return at == 2 ? "/e" : "/b";
    case Op::for_data:
      return "[0]";
    case Op::roll:
    case Op::visit:
      return "";
    default:  // call, with, phase, unless, at_most, accept
      return "/b";
  }
}

}  // namespace

std::string Analysis::key(StepIx s) const {
  std::vector<StepIx> way;
  for (StepIx x = s; x != kNone && tree[x].parent != kNone; x = tree[x].parent) way.push_back(x);
  std::string out;
  for (std::size_t i = way.size(); i-- > 0;) out += part(*this, tree[way[i]].parent, way[i]);
  return out;
}

Cue Analysis::cue(StepIx s, Cue::Kind kind) const {
  return {kind, tree[s].node.valid() ? tree[s].node.index : Cue::no_node, key(s)};
}

Cue Analysis::cue(StepIx s) const {
  switch (tree[s].kind) {
    case StepKind::act:
      return cue(s, Cue::Kind::start);
    case StepKind::await:
      return cue(s, Cue::Kind::pass);
    case StepKind::pause:
      return cue(s, Cue::Kind::pause);
    case StepKind::iteration:
    case StepKind::phase:
      return cue(s, Cue::Kind::leave);
    default:
      return cue(s, Cue::Kind::told);
  }
}

void Analysis::loses(diagnostics::Sink::Builder &to, StepIx turn, const std::string &more) const {
  if (tree[turn].host == kNone) return;
  to.step(std::string(site.host_name(tree[turn].host)), "is lost in its turn" + more, range(turn),
          cue(turn, Cue::Kind::lose));
}

void Analysis::halts(diagnostics::Sink::Builder &to, StepIx s) const {
  if (tree.on_abort() == kNone || !tree.below(s, tree.on_abort()) || to.tells(Cue::Kind::abort)) return;
  to.step("", "the run is halted and aborted", {}, Cue{Cue::Kind::abort, Cue::no_node, "abort"});
}

Cue Analysis::cue(StepIx s, plan::HostId host) const {
  Cue out = cue(s);
  for (StepIx x = s; x != kNone; x = tree[x].parent) {
    if (tree[x].kind != StepKind::iteration) continue;
    if (site.class_of(host) != site.host(tree[x].host).cls) continue;
    const std::string before = key(x);  // "...[node1]"
    const std::string outer = before.substr(0, before.rfind('['));
    if (out.key.starts_with(before))
      out.key = outer + '[' + std::string(site.name(host)) + ']' + out.key.substr(before.size());
    break;
  }
  return out;
}

}  // namespace upg::safety
