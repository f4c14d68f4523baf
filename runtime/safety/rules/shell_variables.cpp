#include "runtime/safety/rules/shell_variables.h"

#include "runtime/safety/rules/shell_words.h"

namespace upg::safety {
namespace {

constexpr std::size_t kMaxWays = 16;
constexpr std::size_t kLongestValue = 1000;

}  // namespace

void Variables::assign(std::string_view name, std::string_view value) {
  Values &values = variables_[std::string(name)];
  if (value.find(kHole) != std::string_view::npos || value.size() > kLongestValue || values.known.size() >= kMaxWays)
    values.unknown = true;
  if (!values.unknown) values.known.emplace(value);
}

void Variables::forget(std::string_view name) { variables_[std::string(name)].unknown = true; }

std::vector<Environment> Variables::ways() const {
  std::vector<Environment> all(1);
  if (nothing_known_) return all;
  for (const auto &[name, values] : variables_) {
    if (values.unknown) continue;
    if (all.size() * values.known.size() > kMaxWays) return std::vector<Environment>(1);
    std::vector<Environment> more;
    for (const Environment &way : all) {
      for (const std::string &value : values.known) {
        more.push_back(way);
        more.back()[name] = value;
      }
    }
    all = std::move(more);
  }
  return all;
}

}  // namespace upg::safety
