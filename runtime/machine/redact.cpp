#include "runtime/machine/redact.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace upg::machine {
namespace {

constexpr std::size_t kForm = 6;  // shorter digits would be found everywhere
constexpr std::size_t kLine = 8;  // a shorter line of a secret of several lines says nothing

std::string in_json(const std::string &text) {
  std::string quoted = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

/// Of the bytes as they stand behind `before` others, the digits that depend on nothing else.
std::string base64(std::string_view bytes, std::size_t before, bool for_urls) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string padded = std::string(before, '\0') + std::string(bytes);
  std::string out;
  const std::size_t first = (before * 8 + 5) / 6, end = padded.size() * 8 / 6;
  for (std::size_t digit = first; digit < end; ++digit) {
    unsigned value = 0;
    for (std::size_t bit = digit * 6; bit < digit * 6 + 6; ++bit)
      value = value << 1 | (static_cast<unsigned char>(padded[bit / 8]) >> (7 - bit % 8) & 1u);
    const char c = kDigits[value];
    out += for_urls && c == '+' ? '-' : for_urls && c == '/' ? '_' : c;
  }
  return out;
}

std::string in_hex(std::string_view bytes, bool upper) {
  const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string in_url(std::string_view bytes, bool upper, bool form) {
  static constexpr std::string_view kPlain = "-_.~";
  std::string out;
  for (const char c : bytes) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (word || kPlain.find(c) != std::string_view::npos)
      out += c;
    else if (form && c == ' ')
      out += '+';
    else
      out += "%" + in_hex({&c, 1}, upper);
  }
  return out;
}

std::string in_shell(const std::string &text) {
  std::string out;
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out;
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
  // what stands in the place of another form names it, so that a value is whole again when it is restored
  auto form = [&](std::string text) {
    if (text.size() < kForm) return;
    for (const Pattern &p : patterns_)
      if (p.text == text) return;
    const std::string other = "(secret " + name + ", written otherwise " + std::to_string(secrets_.size()) + ")";
    secrets_.emplace_back(other, text);
    pattern(std::move(text), other);
  };
  for (const std::string &text : {secret, secret + "\n"})  // as `base64 <file` has it, too
    for (std::size_t before : {0u, 1u, 2u})
      for (bool for_urls : {false, true}) form(base64(text, before, for_urls));
  for (bool upper : {true, false}) {
    form(in_hex(secret, upper));
    for (bool as_form : {false, true}) form(in_url(secret, upper, as_form));
  }
  form(in_shell(secret));
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
