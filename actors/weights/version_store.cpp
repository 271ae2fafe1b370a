#include "actors/weights/version_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "actors/weights/version_store_parts.hpp"

namespace tandem {

namespace fs = std::filesystem;

caf::error no_version(const weight_hash& hash) {
  return make_error(errc::not_found, "no version " + to_hex(hash) + " of weights is here");
}

version_store::version_store(std::unique_ptr<state> parts) : state_{std::move(parts)} {}
version_store::~version_store() = default;

std::vector<weight_hash> version_store::list() const {
  const std::lock_guard lock{state_->mutex};
  std::vector<weight_hash> out;
  for (const auto& [hash, version] : state_->versions) out.push_back(hash);
  return out;
}

bool version_store::is_complete(const weight_hash& manifest) const {
  const auto version = state_->find(manifest);
  if (!version) return false;
  const std::lock_guard lock{version->mutex};
  return version->complete;
}

caf::expected<std::string> version_store::manifest_bytes(const weight_hash& manifest) const {
  const auto version = state_->find(manifest);
  if (!version) return no_version(manifest);
  return encode(version->manifest);
}

caf::expected<weight_manifest> version_store::manifest(const weight_hash& manifest) const {
  const auto version = state_->find(manifest);
  if (!version) return no_version(manifest);
  return version->manifest;
}

caf::expected<fs::path> version_store::path_of(const weight_hash& manifest) const {
  if (!is_complete(manifest)) return no_version(manifest);
  const auto version = state_->find(manifest);
  if (!version) return no_version(manifest);
  auto out = state_->complete_path(manifest);
  if (version->manifest.files.size() == 1) out /= version->manifest.files[0].path;
  return out;
}

caf::error version_store::begin(const std::string& manifest_bytes) {
  auto version = state_->make_room(manifest_bytes);
  if (!version) return std::move(version.error());
  return state_->take_equal_chunks(**version);
}

caf::error version_store::put(const weight_hash& manifest, std::size_t chunk,
                              std::span<const std::uint8_t> bytes) {
  const auto version = state_->find(manifest);
  if (!version) return no_version(manifest);
  if (chunk >= version->places.size())
    return make_error(errc::invalid_argument, "no chunk " + std::to_string(chunk) + " in version " +
                                                  to_hex(manifest) + " of weights");
  const auto& at = version->places[chunk];
  const auto& name = version->manifest.files[at.file].path;
  const auto hash = hash_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (bytes.size() != at.bytes || hash != version->manifest.chunk_hash(chunk))
    return make_error(errc::corrupted, "chunk " + std::to_string(chunk) + " of version " +
                                           to_hex(manifest) + " is not what its manifest says");
  if (version->has(chunk)) return caf::none;
  {
    const auto file = version->open(at.file, O_WRONLY);
    if (!file) return file.error();
    if (auto err = write_at(file->get(), at.offset, bytes, name)) return err;
    // The disk is at work while the next ones come: there is less to wait for at the end.
    ::sync_file_range(file->get(), static_cast<off64_t>(at.offset),
                      static_cast<off64_t>(bytes.size()), SYNC_FILE_RANGE_WRITE);
  }
  return version->mark(chunk);
}

std::vector<std::uint8_t> version_store::have(const weight_hash& manifest) const {
  const auto version = state_->find(manifest);
  if (!version) return {};
  std::vector<std::uint8_t> out((version->places.size() + 7) / 8);
  const std::lock_guard lock{version->mutex};
  for (std::size_t i = 0; i < version->places.size(); ++i)
    if (version->complete || version->have[i])
      out[i / 8] = static_cast<std::uint8_t>(out[i / 8] | 1 << i % 8);
  return out;
}

bool version_store::has_chunk(const weight_hash& manifest, std::size_t chunk) const {
  const auto version = state_->find(manifest);
  return version && version->has(chunk);
}

caf::error version_store::read(const weight_hash& manifest, std::size_t chunk,
                               std::vector<std::uint8_t>& out) const {
  const auto version = state_->find(manifest);
  if (!version) return no_version(manifest);
  if (!version->has(chunk))
    return make_error(errc::not_found, "chunk " + std::to_string(chunk) + " of version " +
                                           to_hex(manifest) + " of weights is not here");
  return version->read(chunk, out);
}

caf::error version_store::finish(const weight_hash& manifest) {
  const std::lock_guard changing{state_->changing};
  const auto version = state_->find(manifest);
  if (!version) return no_version(manifest);
  {
    const std::lock_guard lock{version->mutex};
    if (version->complete) return caf::none;
    if (const auto missing = version->places.size() - version->have_count; missing > 0)
      return make_error(errc::conflict, std::to_string(missing) + " chunks of version " +
                                            to_hex(manifest) + " of weights are missing");
  }
  if (auto err = version->sync_files(true)) return err;
  const auto from = state_->incoming_path(manifest), to = state_->complete_path(manifest);
  if (auto err = version->sync_folders(from)) return err;
  if (::rename(from.c_str(), to.c_str()) != 0) return errno_error(to.string());
  {
    const std::lock_guard lock{version->mutex};
    version->complete = true;
    version->marks.reset();
  }
  if (auto err = sync_folder(to.parent_path())) return err;
  if (auto err = sync_folder(from.parent_path())) return err;
  ::unlink(state_->marks_path(manifest).c_str());
  return caf::none;
}

caf::error version_store::remove(const weight_hash& manifest) {
  const std::lock_guard changing{state_->changing};
  const auto version = state_->find(manifest);
  if (!version) return no_version(manifest);
  bool complete = false;
  {
    const std::lock_guard lock{version->mutex};
    complete = version->complete;
    version->removed = true;
  }
  {
    const std::lock_guard lock{state_->mutex};
    state_->versions.erase(manifest);
  }
  ::unlink(state_->marks_path(manifest).c_str());
  auto err = state_->throw_away(complete ? state_->complete_path(manifest)
                                         : state_->incoming_path(manifest));
  // Last: as long as it is here, what is left of the rest is known.
  ::unlink(state_->manifest_path(manifest).c_str());
  return err;
}

std::optional<weight_hash> version_store::base_for(const weight_manifest& next) const {
  const auto own = hash_of(encode(next));
  std::map<std::string_view, std::uint64_t> wanted;
  for (const auto& file : next.files) wanted.emplace(file.path, file.bytes);
  std::optional<weight_hash> best;
  std::uint64_t most = 0;
  for (const auto& version : state_->all()) {
    if (version->hash == own || version->manifest.chunk_bytes != next.chunk_bytes) continue;
    std::uint64_t common = 0;
    for (const auto& file : version->manifest.files) {
      const auto found = wanted.find(file.path);
      if (found != wanted.end() && found->second == file.bytes) common += file.bytes;
    }
    if (common <= most) continue;
    const std::lock_guard lock{version->mutex};
    if (!version->complete) continue;
    most = common;
    best = version->hash;
  }
  return best;
}

std::uint64_t version_store::bytes_on_disk() const {
  std::uint64_t out = 0;
  for (const auto& version : state_->all()) out += version->manifest.bytes();
  return out;
}

}  // namespace tandem
