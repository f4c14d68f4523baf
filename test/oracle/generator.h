#pragma once
#include <string>
#include <vector>

#include "test/oracle/generate.h"

namespace upg::oracle {

/// What the generator knows of an action when it writes a step.
struct ActionIdea {
  std::string name;
  bool of_host = true;
  std::string role;                // its hosts carry this; empty: any
  std::vector<std::string> gates;  // needed before, "g" of the host or "!g" of the cluster
  bool takes_down = false;         // stoppable before
  bool touches = false;            // in_service after
  std::string hold;                // needed around: "name" or "name(h)"
  std::string moves;               // state of the host that it moves old -> new: ends there
  bool arms = false;               // moves it to armed: a reboot has to follow
  bool once = false;
};

struct HoldIdea {
  std::string name;
  bool of_host = false;
  std::vector<std::string> gates;  // its acquire and release need
  bool touches = false;            // in_service after it
};

/// Makes one sketch.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}
  Sketch make();

 private:
  // generate_site.cpp
  void hosts();
  void roles();
  void role(const std::string &name);
  void gates();
  void states();
  void holds();
  void actions();
  void action(ActionIdea idea, std::vector<Piece> clauses);
  void add(std::string head, std::vector<Piece> inside);
  void line(std::string text);
  // generate_plan.cpp
  Piece plan();
  std::vector<Piece> segment(std::size_t depth, bool spine);
  std::vector<Piece> unit(const ActionIdea &idea, const std::string &host);
  std::vector<Piece> turn(const std::string &role, std::size_t depth);
  Piece rollout(std::size_t depth);
  std::vector<Piece> phases();
  std::vector<Piece> attempt(std::vector<Piece> block);
  Piece wrapped(std::vector<Piece> inside, bool spine);
  std::string some_host(const std::string &role);
  std::vector<std::string> carriers(const std::string &role) const;
  const ActionIdea *some_action(const std::string &role, bool of_host);

  Random random_;
  Sketch sketch_;
  std::vector<std::vector<std::string>> roles_of_;  // by host
  std::vector<std::string> role_names_;
  std::vector<std::string> no_question_;  // roles that are `stoppable always`
  std::vector<std::string> cluster_gates_;
  std::vector<std::string> host_gates_;
  std::vector<ActionIdea> actions_;
  std::vector<HoldIdea> holds_;
  bool has_os_ = false, has_mode_ = false, has_armed_ = false, has_undo_ = false;
  bool ranked_ = false, ordered_ = false, on_abort_ = false, tolerant_ = false;
  std::string os_role_;
};

}  // namespace upg::oracle
