#include "runtime/machine/redact.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace upg::machine {
namespace {

constexpr std::size_t kLine = 8;  // a shorter line of a secret of several lines says nothing

std::string in_json(const std::string &text) {
  std::string quoted = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

void Redaction::pattern(std::string text, const std::string &instead) {
  if (text.size() < kShortest) return;
  for (const Pattern &p : patterns_)
    if (p.text == text) return;
  auto shorter =
      std::find_if(patterns_.begin(), patterns_.end(), [&](const Pattern &p) { return p.text.size() < text.size(); });
  patterns_.insert(shorter, {std::move(text), instead});
}

void Redaction::add(const std::string &name, const std::string &secret) {
  if (secret.size() < kShortest) return;
  const std::string instead = "(secret " + name + ")";
  secrets_.emplace_back(instead, secret);
  pattern(secret, instead);
  pattern(in_json(secret), instead);
  pattern(in_json(in_json(secret)), instead);
  for (std::size_t at = 0; secret.find('\n') != std::string::npos && at < secret.size();) {
    std::size_t end = std::min(secret.find('\n', at), secret.size());
    const std::string line = secret.substr(at, end - at);
    if (line.size() >= kLine) pattern(line, instead);
    at = end + 1;
  }
}

std::string Redaction::hide(std::string_view text) const {
  std::string out(text);
  for (const Pattern &p : patterns_)
    for (std::size_t at = 0; (at = out.find(p.text, at)) != std::string::npos; at += p.instead.size())
      out.replace(at, p.text.size(), p.instead);
  return out;
}

std::string Redaction::restore(std::string_view text) const {
  std::string out(text);
  for (const auto &[instead, secret] : secrets_)
    for (std::size_t at = 0; (at = out.find(instead, at)) != std::string::npos; at += secret.size())
      out.replace(at, instead.size(), secret);
  return out;
}

std::string Redaction::hide_piece(std::string &held, std::string_view piece) const {
  held.append(piece);
  held = hide(held);
  std::size_t keep = 0;  // the longest end that a secret may begin with
  for (const Pattern &p : patterns_)
    for (std::size_t n = std::min(p.text.size() - 1, held.size()); n > keep; --n)
      if (std::string_view(held).ends_with(std::string_view(p.text).substr(0, n))) keep = n;
  std::string out = held.substr(0, held.size() - keep);
  held.erase(0, out.size());
  return out;
}

std::string Redaction::hide_rest(std::string &held) const { return hide(std::exchange(held, {})); }

}  // namespace upg::machine
