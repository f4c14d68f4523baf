#pragma once
#include <memory>
#include <vector>

#include "runtime/plan/plan.h"

namespace upg::lower {

/// What of a plan is reached from its hosts, blocks and head. Declarations that nothing reaches are left out of the
/// finished plan, so that a review shows what matters; the order of the others stays.
class Reach {
 public:
  explicit Reach(const plan::Plan &plan);
  ~Reach();
  Reach(const Reach &) = delete;
  Reach &operator=(const Reach &) = delete;

  bool node(plan::NodeId id) const;
  /// The reached part as a plan of its own. Files stay whole, so that places keep their meaning.
  plan::Plan extract() const;

 private:
  class Marks;
  const plan::Plan *plan_;
  std::unique_ptr<Marks> marks_;
};

}  // namespace upg::lower
