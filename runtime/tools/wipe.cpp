// Whatever upgrun frees is overwritten first: a copy of a secret that passed through a string, a value or a command
// does not stay behind in memory, whoever made it.
#include "runtime/tools/wipe.h"

#include <malloc.h>
#include <string.h>

#include <array>
#include <cstdlib>
#include <new>

namespace upg::run {

[[gnu::noinline]] void wipe_stack() {
  std::array<unsigned char, 512u << 10> below;
  explicit_bzero(below.data(), below.size());
}

}  // namespace upg::run

// AddressSanitizer has its own, which see more.
#if !defined(__SANITIZE_ADDRESS__)

namespace {

void *get(std::size_t size) {
  if (void *memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

void *get(std::size_t size, std::align_val_t alignment) {
  const auto a = static_cast<std::size_t>(alignment);
  if (void *memory = std::aligned_alloc(a, (size + a - 1) / a * a)) return memory;
  throw std::bad_alloc();
}

void put_back(void *memory) noexcept {
  if (memory == nullptr) return;
  explicit_bzero(memory, malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

void *operator new(std::size_t size) { return get(size); }
void *operator new[](std::size_t size) { return get(size); }
void *operator new(std::size_t size, std::align_val_t alignment) { return get(size, alignment); }
void *operator new[](std::size_t size, std::align_val_t alignment) { return get(size, alignment); }
void operator delete(void *memory) noexcept { put_back(memory); }
void operator delete[](void *memory) noexcept { put_back(memory); }
void operator delete(void *memory, std::size_t) noexcept { put_back(memory); }
void operator delete[](void *memory, std::size_t) noexcept { put_back(memory); }
void operator delete(void *memory, std::align_val_t) noexcept { put_back(memory); }
void operator delete[](void *memory, std::align_val_t) noexcept { put_back(memory); }
void operator delete(void *memory, std::size_t, std::align_val_t) noexcept { put_back(memory); }
void operator delete[](void *memory, std::size_t, std::align_val_t) noexcept { put_back(memory); }

#endif
