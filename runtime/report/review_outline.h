#pragma once
#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "runtime/plan/locator.h"
#include "runtime/plan/plan.h"
#include "runtime/report/plan_text.h"

namespace upg::report {

/// Lines of a review: indented, bounded in all.
class Page {
 public:
  static constexpr std::size_t limit = 64u << 20;
  void line(std::size_t depth, const std::string &text);
  void blank() { line(0, ""); }
  std::string take();
  bool full() const { return out_.size() > limit; }

 private:
  std::string out_;
};

/// The plan's blocks as a runbook: one line per step, what stands inside a step beneath it. A procedure is told where
/// it is called first; later calls refer to that one.
class Outline {
 public:
  Outline(const plan::Plan &plan, const plan::Locator &locator, Page &page);
  /// One of the plan's own blocks.
  void tell(plan::NodeId block, std::size_t depth);
  /// Procedures that were called too deep inside to be told in place.
  void tell_rest(std::size_t depth);

 private:
  struct Context {
    const plan::Frame *frame;
    std::vector<std::string> names;
  };
  struct Call {
    std::string text;
    bool told = false;
  };
  struct Later {
    std::size_t procedure;
    std::vector<std::string> names;
  };
  void block(plan::NodeId node, std::size_t depth, const Context &context);
  void statement(plan::NodeId node, std::size_t depth, const Context &context);
  void act(plan::NodeId node, std::size_t depth, const PlanText &text);
  void call(plan::NodeId node, std::size_t depth, const PlanText &text);
  void with(plan::NodeId node, std::size_t depth, const Context &context);
  void rollout(plan::NodeId node, std::size_t depth, const Context &context);
  void dag(plan::NodeId node, std::size_t depth, const Context &context);
  void attempt(plan::NodeId node, std::size_t depth, const Context &context);
  void accept(plan::NodeId node, std::size_t depth, const Context &context);
  std::string gate(plan::NodeId gate, const PlanText &text) const;

  const plan::Plan &plan_;
  const plan::Locator &locator_;
  Page &page_;
  std::vector<Call> calls_;  // per procedure
  std::deque<Later> later_;
};

/// "serial of db.shard until 2026-12-31: the reason"
std::string waiver_text(const plan::Plan &plan, const plan::Waiver &waiver);
/// "node1, node2 and node3", at most twelve of them.
std::string host_list(const plan::Plan &plan, const std::vector<plan::HostId> &hosts);
/// "asked every 10s for at most 30m, 3 passes in a row"
std::string patience_text(const plan::Gate &gate);

}  // namespace upg::report
