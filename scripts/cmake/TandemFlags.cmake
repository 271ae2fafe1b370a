# One interface target carries the flags of every Tandem library and program.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND}" -E env "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime"
      "${CCACHE_PROGRAM}")
endif()

add_library(tandem_flags INTERFACE)
add_library(tandem::flags ALIAS tandem_flags)
target_include_directories(tandem_flags INTERFACE
  "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>"
  "$<BUILD_INTERFACE:${PROJECT_BINARY_DIR}>"
  "$<INSTALL_INTERFACE:include/tandem>")
target_compile_options(tandem_flags INTERFACE
  $<BUILD_INTERFACE:-pthread -Wall -Wextra -Wno-missing-field-initializers>
  # False alarms on std::string in g++ 12 when it optimises (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:$<BUILD_INTERFACE:-fpch-preprocess -Wno-restrict -Wno-stringop-overflow
    $<$<BOOL:${TANDEM_UNITY}>:-Wno-subobject-linkage>>>)
# simdjson's own definition, everywhere: the shared precompiled header must see the same ones.
target_compile_definitions(tandem_flags INTERFACE $<BUILD_INTERFACE:SIMDJSON_THREADS_ENABLED=1>)
if(TANDEM_WERROR)
  target_compile_options(tandem_flags INTERFACE $<BUILD_INTERFACE:-Werror>)
endif()
if(TANDEM_SANITIZE)
  # CAF 0.17's own headers cast a queue's head to an element that it is not (intrusive/task_queue.hpp) and bind a
  # reference to nothing where an actor takes no arguments (detail/init_fun_factory.hpp).
  target_compile_options(tandem_flags INTERFACE
    $<BUILD_INTERFACE:-fsanitize=address,undefined -fno-sanitize=vptr,null -fno-sanitize-recover=undefined
      -fno-omit-frame-pointer>)
  target_link_options(tandem_flags INTERFACE $<BUILD_INTERFACE:-fsanitize=address,undefined>)
endif()
if(TANDEM_FUZZERS)
  target_compile_options(tandem_flags INTERFACE $<BUILD_INTERFACE:-fsanitize=fuzzer-no-link>)
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_link_options(tandem_flags INTERFACE $<BUILD_INTERFACE:-fuse-ld=mold>)
endif()
