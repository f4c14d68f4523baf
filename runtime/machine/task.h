#pragma once
#include <coroutine>
#include <cstddef>
#include <deque>
#include <exception>
#include <utility>
#include <vector>

namespace upg::machine {

/// Queue of coroutines that may go on. Every hand-over passes through it, so the C++ stack never grows with the plan,
/// and the order is the order of becoming ready: the same answers at the same times give the same run.
class Ready {
 public:
  void push(std::coroutine_handle<> handle) { queue_.push_back(handle); }
  /// Runs until nothing is ready.
  void drain() {
    while (!queue_.empty()) {
      std::coroutine_handle<> next = queue_.front();
      queue_.pop_front();
      next.resume();
    }
  }

 private:
  std::deque<std::coroutine_handle<>> queue_;
};

/// A piece of a run that may wait. Lazy: it starts when awaited or spawned. The promise finds the queue through its
/// first argument (an object with `Ready &ready()`), so every function that returns a Task is a member of such an
/// object or takes it first.
template <class T>
class [[nodiscard]] Task;

namespace detail {
struct PromiseBase {
  Ready *ready;
  std::coroutine_handle<> continuation;
  std::suspend_always initial_suspend() noexcept { return {}; }
  struct Final {
    bool await_ready() noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> self) noexcept {
      auto &promise = self.promise();
      if (promise.continuation) promise.ready->push(promise.continuation);
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  [[noreturn]] void unhandled_exception() { std::terminate(); }  // the machine throws nothing
};
}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type : detail::PromiseBase {
    T value{};
    template <class Owner, class... Rest>
    explicit promise_type(Owner &owner, Rest &&...) : detail::PromiseBase{&owner.ready(), {}} {}
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    void return_value(T v) { value = std::move(v); }
  };

  Task(Task &&other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task &operator=(Task &&other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  Task(const Task &) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    handle_.promise().continuation = waiter;
    handle_.promise().ready->push(handle_);
  }
  T await_resume() { return std::move(handle_.promise().value); }

  /// For the root and for children that run side by side: starts without anyone waiting on it.
  void start() { handle_.promise().ready->push(handle_); }
  bool done() const { return !handle_ || handle_.done(); }
  T &result() { return handle_.promise().value; }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

/// Something that several coroutines wait for again and again; `fire` wakes all that wait now.
class Bell {
 public:
  explicit Bell(Ready &ready) : ready_(&ready) {}
  void fire() {
    for (auto h : std::exchange(waiting_, {})) ready_->push(h);
  }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) { waiting_.push_back(h); }
  void await_resume() const noexcept {}

 private:
  Ready *ready_;
  std::vector<std::coroutine_handle<>> waiting_;
};

}  // namespace upg::machine
