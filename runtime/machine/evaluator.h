#pragma once
// Inside of the evaluation of expressions. Not for other folders.
#include <optional>
#include <string>
#include <vector>

#include "runtime/machine/evaluate.h"

namespace upg::machine {

/// One pass over one expression; everything that lives longer is in the consultation.
class Evaluator {
 public:
  explicit Evaluator(Consultation &c) : c_(c), plan_(*c.around_->plan) {}

  Value eval(plan::NodeId id, Environment &env);
  Concrete concrete(plan::NodeId id, Environment &env);
  std::string explain(plan::NodeId id, Environment &env);

 private:
  Value eval_call(const plan::Frame &frame, plan::NodeId body, plan::NodeId call, Environment &env,
                  std::string_view what);
  Value eval_field(plan::NodeId id, Environment &env);
  Value eval_index(plan::NodeId id, Environment &env);
  Value eval_operator(plan::NodeId id, Environment &env);
  Value eval_binder(plan::NodeId id, Environment &env);
  Value eval_set(plan::NodeId id, Environment &env);
  Value eval_builtin(plan::NodeId id, Environment &env);
  Value eval_run(plan::NodeId id, Environment &env);
  Value eval_cell(plan::NodeId cell, Environment &env);
  Value host_set(plan::SetId set);
  std::optional<plan::HostId> pick(const Value &hosts, plan::RoleId role);
  plan::RoleId role_of(plan::SetId set) const;
  const Answer *ask(plan::HostId host, Command command);
  Value outcome_value(const Answer &answer, plan::HostId host, const std::vector<int> &exits) const;
  std::string host_name(plan::HostId h) const {
    return h.valid() ? std::string(plan_.text(plan_.hosts[h.index].name)) : "the controller";
  }
  std::string print(const Value &v) const;
  const Value *unready(const std::vector<Value> &values) const;

  Consultation &c_;
  const plan::Plan &plan_;
  int depth_ = 0;
};

bool chooses(const plan::Plan &plan, plan::NodeId set);

inline std::string first_line(std::string_view s) {
  s = s.substr(0, s.find('\n'));
  return std::string(s.substr(0, 200));
}

}  // namespace upg::machine
