#pragma once
#include <string>
#include <utility>

namespace upg::transport {

/// A text that is overwritten when it goes: the sudo password. Never printed, never part of an answer.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  ~Secret() { wipe(text_); }
  Secret(const Secret &) = delete;
  Secret &operator=(const Secret &) = delete;
  void set(std::string text) {
    wipe(text_);
    text_ = std::move(text);
  }
  bool empty() const { return text_.empty(); }
  const std::string &text() const { return text_; }

  static void wipe(std::string &text) {
    volatile char *bytes = text.data();
    for (std::size_t i = 0; i < text.capacity(); ++i) bytes[i] = 0;
    text.clear();
  }

 private:
  std::string text_;
};

}  // namespace upg::transport
