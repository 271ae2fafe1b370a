# `cmake --install`: the two programs, their config and models, and for other projects `find_package(Tandem)`.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Users get the language level and nothing else of our flags: those are all BUILD_INTERFACE.
target_compile_features(tandem_flags INTERFACE cxx_std_20)
set_target_properties(tandem_flags PROPERTIES EXPORT_NAME flags)

install(TARGETS tandem tandem-node RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# What tandem::client is made of.
install(TARGETS tandem_flags tandem_schema tandem_system tandem_client
  EXPORT TandemTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

# The headers that actors/client/client.hpp leads to, under the paths that they have here.
set(include_folder ${CMAKE_INSTALL_INCLUDEDIR}/tandem)
install(FILES actors/client/client.hpp DESTINATION ${include_folder}/actors/client)
install(FILES actors/trace/trace_context.hpp DESTINATION ${include_folder}/actors/trace)
install(FILES actors/system/tls_files.hpp DESTINATION ${include_folder}/actors/system)
install(FILES schema/errc.hpp schema/ids.hpp schema/message.hpp schema/text.hpp schema/types.hpp
  DESTINATION ${include_folder}/schema)
# Wire messages only: what the journal holds is nobody else's business.
foreach(name common job attempt decision engine topology cluster exchange front replication routing cache weights gateway cost)
  install(FILES schema/${name}.capnp "${PROJECT_BINARY_DIR}/schema/${name}.capnp.h"
    DESTINATION ${include_folder}/schema)
endforeach()

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/Tandem)
install(EXPORT TandemTargets NAMESPACE tandem:: DESTINATION ${package_folder})
configure_package_config_file(
  scripts/cmake/TandemConfig.cmake.in "${PROJECT_BINARY_DIR}/TandemConfig.cmake"
  INSTALL_DESTINATION ${package_folder}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/TandemConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/TandemConfig.cmake"
  "${PROJECT_BINARY_DIR}/TandemConfigVersion.cmake"
  scripts/cmake/FindCAF.cmake
  DESTINATION ${package_folder})

# tandem-node looks for its default config in ../share/tandem/config, seen from its own folder.
install(DIRECTORY config/ DESTINATION ${CMAKE_INSTALL_DATADIR}/tandem/config
  FILES_MATCHING PATTERN "*.toml" PATTERN "*.gguf")
install(FILES scripts/completion/tandem.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
  RENAME tandem)
install(FILES config/systemd/tandem-node.service DESTINATION lib/systemd/system)
install(FILES config/systemd/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/systemd)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
