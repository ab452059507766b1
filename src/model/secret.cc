#include "model/secret.h"

namespace amanat {

void wipe(void* memory, std::size_t size) noexcept {
  if (size == 0) return;
  std::memset(memory, 0, size);
  // The compiler must assume that the bytes are read here, so the memset stays.
  __asm__ __volatile__("" : : "r"(memory) : "memory");
}

}  // namespace amanat
