# Third-party libraries, each as one imported target. All come from Debian 12.
find_package(Threads REQUIRED)
find_package(LLVM 14 REQUIRED CONFIG)
llvm_map_components_to_libnames(UPG_LLVM_LIBS support)
add_library(upg_llvm INTERFACE)
target_include_directories(upg_llvm SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS})
target_compile_definitions(upg_llvm INTERFACE ${LLVM_DEFINITIONS_LIST})
target_link_libraries(upg_llvm INTERFACE ${UPG_LLVM_LIBS})   # static: start-up 1.6 ms against 11 ms with libLLVM.so

find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBSSH REQUIRED IMPORTED_TARGET libssh)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)  # linear time, whatever the pattern and the text
find_package(CURL REQUIRED)  # telling people
find_package(date REQUIRED)
find_path(UPG_ANTLR_INCLUDE antlr4-runtime.h PATH_SUFFIXES antlr4-runtime REQUIRED)
find_library(UPG_ANTLR_LIBRARY libantlr4-runtime.a REQUIRED)  # by path: the package's own targets force -luuid
find_program(UPG_ANTLR_TOOL antlr4 REQUIRED)
if(UPG_TESTS)
  find_package(GTest REQUIRED)
endif()
