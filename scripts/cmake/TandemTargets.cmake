# Helpers: every folder of code is one library, every test or bench one small declaration.

# tandem_library(NAME SOURCES a.cpp ... LINKS tandem::x ... [PRIVATE_LINKS y ...] [APART b.cpp ...])
# APART: sources that have names in common and are compiled one by one.
function(tandem_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS;APART" ${ARGN})
  add_library(tandem_${name} STATIC ${ARG_SOURCES} ${ARG_APART})
  add_library(tandem::${name} ALIAS tandem_${name})
  set_target_properties(tandem_${name} PROPERTIES EXPORT_NAME ${name})
  if(TANDEM_UNITY)
    # Most of the time goes into headers, and is paid once for a batch. Helpers of one library have names of their own.
    set_target_properties(tandem_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
    set_source_files_properties(${ARG_APART} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
  target_link_libraries(tandem_${name} PUBLIC tandem::flags ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
  set_property(GLOBAL APPEND PROPERTY TANDEM_LIBRARIES tandem_${name})
endfunction()

# Libraries and tests that include CAF share one precompiled header (compiled once, in tandem_schema).
function(tandem_use_caf_pch target)
  target_precompile_headers(${target} REUSE_FROM tandem_schema)
  # Programs are compiled with -fPIE otherwise, and the header was not.
  target_compile_options(${target} PRIVATE -fPIC)
endfunction()

# tandem_test(NAME SOURCES a_test.cpp ... LINKS tandem::x ... [LABELS unit] [TIMEOUT s])
# One GoogleTest program. APART: its sources have names in common and are compiled one by one.
function(tandem_test name)
  cmake_parse_arguments(ARG "APART" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  if(NOT TANDEM_TESTS)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE tandem::flags tandem::schema ${ARG_LINKS} GTest::gtest_main GTest::gmock)
  target_precompile_headers(${name} REUSE_FROM tandem_test_pch)
  if(NOT ARG_APART)
    # Few sources at a time are compiled as one: most of a test's cost are the templates that all of them use.
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 4)
  endif()
  # Programs are compiled with -fPIE otherwise, and the header was not.
  target_compile_options(${name} PRIVATE -fPIC)
  target_compile_definitions(${name} PRIVATE TANDEM_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                             TANDEM_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
  if(TANDEM_SANITIZE)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT
      "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/scripts/cmake/lsan.supp:print_suppressions=0")
  endif()
endfunction()

# tandem_bench(NAME SOURCES ... LINKS ...): a program bench_NAME that scripts/bench.sh finds.
function(tandem_bench name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  if(NOT TANDEM_BENCHES)
    return()
  endif()
  add_executable(bench_${name} ${ARG_SOURCES})
  target_link_libraries(bench_${name} PRIVATE tandem::flags ${ARG_LINKS})
  target_compile_definitions(bench_${name} PRIVATE TANDEM_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                                   TANDEM_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
endfunction()

# tandem_fuzzer(NAME SOURCES ... LINKS ...): a libFuzzer program fuzz_NAME.
function(tandem_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  if(NOT TANDEM_FUZZERS)
    return()
  endif()
  add_executable(fuzz_${name} ${ARG_SOURCES})
  target_link_libraries(fuzz_${name} PRIVATE tandem::flags ${ARG_LINKS})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
endfunction()

# Takes the place of malloc in an executable: the simulation makes and drops some ninety things a call on one thread, which
# takes a tenth less time with it. Sanitizers bring their own.
function(tandem_use_tcmalloc target)
  if(NOT TANDEM_SANITIZE)
    target_link_libraries(${target} PRIVATE "-Wl,--push-state,--no-as-needed,-l${TCMALLOC_LIBRARIES},--pop-state")
  endif()
endfunction()
