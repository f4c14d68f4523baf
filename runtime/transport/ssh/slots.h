#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>

namespace upg::transport {

/// Limits how many connections there are (this process's descriptors), and how many handshakes go on at once: in all,
/// and towards one address or through one bastion (sshd's MaxStartups).
class Slots {
 public:
  Slots(unsigned handshakes, std::size_t connections) : most_(handshakes), most_connections_(connections) {}
  /// First come, first served, by ticket; who is turned away stands in the queue until it takes or leaves.
  bool take_connection(std::uint64_t ticket) {
    waiting_.insert(ticket);
    if (connections_ >= most_connections_ || *waiting_.begin() != ticket) return false;
    waiting_.erase(waiting_.begin());
    ++connections_;
    released_ = released_ || !waiting_.empty();
    return true;
  }
  void release_connection() {
    --connections_;
    released_ = true;
  }
  void leave_queue(std::uint64_t ticket) {
    if (waiting_.erase(ticket) > 0) released_ = true;
  }
  std::uint64_t next_ticket() { return ++tickets_; }
  /// Somebody waits for a connection, and there will be none until an idle one is closed.
  bool short_of_connections() const { return !waiting_.empty() && connections_ >= most_connections_; }
  bool take_address(const std::string &key, unsigned most) {
    unsigned &count = addresses_[key];
    if (count >= most) return false;
    ++count;
    return true;
  }
  void release_address(const std::string &key) {
    const auto found = addresses_.find(key);
    if (found == addresses_.end()) return;
    if (--found->second == 0) addresses_.erase(found);
    released_ = true;
  }
  bool take() {
    if (used_ >= most_) return false;
    ++used_;
    return true;
  }
  void release() {
    --used_;
    released_ = true;
  }
  /// Something was released since the last call: those who wait should try again.
  bool take_released() {
    const bool released = released_;
    released_ = false;
    return released;
  }

 private:
  unsigned most_;
  std::size_t most_connections_;
  std::size_t connections_ = 0;
  std::uint64_t tickets_ = 0;
  std::set<std::uint64_t> waiting_;
  unsigned used_ = 0;
  bool released_ = false;
  std::unordered_map<std::string, unsigned> addresses_;
};

}  // namespace upg::transport
