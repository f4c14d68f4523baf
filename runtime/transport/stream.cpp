#include "runtime/transport/stream.h"

#include <algorithm>
#include <utility>

namespace upg::transport {
namespace {

constexpr std::size_t max_noise = 4096;
constexpr std::size_t max_trailer = 1024;
constexpr std::int64_t max_pid = 1ll << 40;
constexpr std::size_t max_piece = 64 * 1024;

void append_bounded(std::string &to, std::string_view bytes, std::size_t most) {
  if (to.size() < most) to.append(bytes.substr(0, most - to.size()));
}

}  // namespace

std::string TokenFinder::feed(std::string_view bytes, std::string &rest) {
  held_.append(bytes);
  const std::size_t at = held_.find(token_);
  if (at != std::string::npos) {
    found_ = true;
    rest = held_.substr(at + token_.size());
    std::string before = held_.substr(0, at);
    held_.clear();
    return before;
  }
  // Hold the longest tail that is a beginning of the token.
  std::size_t hold = std::min(held_.size(), token_.size() - 1);
  while (hold > 0 && held_.compare(held_.size() - hold, hold, token_, 0, hold) != 0) --hold;
  std::string before = held_.substr(0, held_.size() - hold);
  held_.erase(0, held_.size() - hold);
  return before;
}

std::string TokenFinder::drain() { return std::exchange(held_, std::string()); }

CommandStream::CommandStream(machine::RequestId request, std::uint64_t limit, const Framing &framing)
    : request_(request),
      limit_(limit),
      start_(framing.start),
      end_(framing.end),
      prompt_(framing.prompt),
      has_end_(!framing.end.empty()),
      prompt_text_(framing.prompt) {}

void CommandStream::keep(bool error, std::string_view bytes, std::vector<machine::Output> &outputs) {
  const std::size_t side = error ? 1 : 0;
  seen_[side] += bytes.size();
  std::string &kept = kept_[side];
  if (kept.size() >= limit_) return;
  bytes = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(limit_ - kept.size(), bytes.size())));
  if (bytes.empty()) return;
  kept.append(bytes);
  if (!outputs.empty() && outputs.back().request == request_ && outputs.back().error == error &&
      outputs.back().bytes.size() < max_piece) {
    outputs.back().bytes.append(bytes);
  } else {
    outputs.push_back({request_, error, std::string(bytes)});
  }
}

void CommandStream::command_out(std::string_view bytes, std::vector<machine::Output> &outputs) {
  while (!pid_known_ && !bytes.empty()) {
    const char c = bytes.front();
    bytes.remove_prefix(1);
    if (c >= '0' && c <= '9' && pid_ < max_pid) {
      pid_ = pid_ * 10 + (c - '0');
    } else {
      if (c != ':') pid_ = 0;
      pid_known_ = true;
    }
  }
  if (!has_end_) {
    keep(false, bytes, outputs);
    return;
  }
  if (end_.found()) {
    append_bounded(trailer_, bytes, max_trailer);
    return;
  }
  std::string rest;
  const std::string before = end_.feed(bytes, rest);
  keep(false, before, outputs);
  append_bounded(trailer_, rest, max_trailer);
}

void CommandStream::take_out(std::string_view bytes, std::vector<machine::Output> &outputs) {
  if (start_.found()) {
    command_out(bytes, outputs);
    return;
  }
  std::string rest;
  const std::string before = start_.feed(bytes, rest);
  append_bounded(noise_, before, max_noise);
  if (start_.found()) {
    // A password asked for is no output: sudo's prompt can only come before the start.
    keep(true, prompt_.drain(), outputs);
    command_out(rest, outputs);
  }
}

void CommandStream::take_err(std::string_view bytes, std::vector<machine::Output> &outputs) {
  if (prompt_text_.empty() || start_.found()) {
    keep(true, bytes, outputs);
    return;
  }
  std::string rest(bytes);
  while (true) {
    std::string after;
    const std::string before = prompt_.feed(rest, after);
    keep(true, before, outputs);
    if (!prompt_.found()) break;
    ++prompts_;
    prompt_ = TokenFinder(prompt_text_);
    rest = std::move(after);
    if (rest.empty()) break;
  }
}

void CommandStream::finish(std::vector<machine::Output> &outputs) {
  if (!start_.found()) append_bounded(noise_, start_.drain(), max_noise);
  if (has_end_ && !end_.found()) keep(false, end_.drain(), outputs);
  keep(true, prompt_.drain(), outputs);
  while (!trailer_.empty() && (trailer_.back() == '\n' || trailer_.back() == ' ')) trailer_.pop_back();
  while (!trailer_.empty() && trailer_.front() == ' ') trailer_.erase(0, 1);
}

void CommandStream::move_to(machine::Answer &answer) {
  answer.out = std::move(kept_[0]);
  answer.err = std::move(kept_[1]);
  answer.out_bytes = seen_[0];
  answer.err_bytes = seen_[1];
}

}  // namespace upg::transport
