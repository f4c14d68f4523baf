# Compiler settings that every target of ours shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, Release, RelWithDebInfo" FORCE)
endif()

# Line tables are enough for a backtrace; full debug information costs a third of the build's time. CMAKE_BUILD_TYPE=Debug has it.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")

option(UPG_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(UPG_FUZZ "Build the libFuzzer harnesses (needs clang)" OFF)
option(UPG_TESTS "Build the unit tests and the lit site configuration" ON)

find_program(UPG_CCACHE ccache)
if(UPG_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${UPG_CCACHE}")
endif()
find_program(UPG_MOLD mold)
if(UPG_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
if(UPG_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

set(UPG_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wimplicit-fallthrough -Werror)
