#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace upg::safety {

/// What one variable of a shell is in one reading of a script.
using Environment = std::map<std::string, std::string, std::less<>>;

/// What the variables of a script may be, wherever in it they are set.
class Variables {
 public:
  /// `NAME=value`, wherever it stands. A value that is not known as it is written makes the variable unknown.
  void assign(std::string_view name, std::string_view value);
  void forget(std::string_view name);
  void forget_all() { nothing_known_ = true; }

  /// Each way in which the variables that are known may be set together; at least one, which may be empty. Of too many
  /// ways none is known.
  std::vector<Environment> ways() const;

 private:
  struct Values {
    std::set<std::string> known;
    bool unknown = false;
  };
  std::map<std::string, Values, std::less<>> variables_;
  bool nothing_known_ = false;
};

}  // namespace upg::safety
