#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/machine/transport.h"
#include "runtime/transport/shell.h"

namespace upg::transport {

/// Finds one token in a stream of bytes that arrives in pieces; holds back only what may be its beginning.
class TokenFinder {
 public:
  explicit TokenFinder(std::string token) : token_(std::move(token)) {}
  /// Feeds bytes; returns those certain to stand before the token. When found, `rest` is what follows it in these
  /// bytes.
  std::string feed(std::string_view bytes, std::string &rest);
  bool found() const { return found_; }
  /// What was held back and is no token after all.
  std::string drain();

 private:
  std::string token_;
  std::string held_;
  bool found_ = false;
};

/// Output of one command: takes the raw bytes of both streams, removes the framing, keeps up to the limit, counts the
/// rest. Bytes over the limit are neither kept nor streamed.
class CommandStream {
 public:
  CommandStream(machine::RequestId request, std::uint64_t limit, const Framing &framing);

  void take_out(std::string_view bytes, std::vector<machine::Output> &outputs);
  void take_err(std::string_view bytes, std::vector<machine::Output> &outputs);
  /// No more bytes will come.
  void finish(std::vector<machine::Output> &outputs);

  bool started() const { return start_.found(); }
  /// Process of the command on its host once it has started, also its session for a question without sudo; 0: not
  /// known.
  std::int64_t pid() const { return pid_known_ ? pid_ : 0; }
  int prompts() const { return prompts_; }
  /// What a step's wrapper said at the end ("exited 3"); empty if it has not.
  std::string_view trailer() const { return trailer_; }
  /// What came before the start: noise of the login shell, or why the command was not started.
  std::string_view noise() const { return noise_; }
  /// Moves what was kept into the answer.
  void move_to(machine::Answer &answer);

 private:
  void keep(bool error, std::string_view bytes, std::vector<machine::Output> &outputs);
  void command_out(std::string_view bytes, std::vector<machine::Output> &outputs);

  machine::RequestId request_;
  std::uint64_t limit_;
  TokenFinder start_;
  TokenFinder end_;
  TokenFinder prompt_;
  bool has_end_;
  std::string prompt_text_;
  int prompts_ = 0;
  std::int64_t pid_ = 0;
  bool pid_known_ = false;
  std::string noise_;
  std::string trailer_;
  std::string kept_[2];
  std::uint64_t seen_[2] = {0, 0};
};

}  // namespace upg::transport
