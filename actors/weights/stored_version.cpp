#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "actors/weights/version_store_parts.hpp"

namespace tandem {
namespace {

/// What is written without a sync is looked at again after the next start: seconds of hashing at
/// most.
constexpr std::uint64_t sync_every_bytes = 256 * 1024 * 1024;

/// Shares the blocks where the file system can, copies within the kernel where it can't. What comes
/// of it is looked at afterwards.
void copy_range(int from, std::uint64_t from_offset, int to, std::uint64_t to_offset,
                std::size_t left) {
  auto in = static_cast<off_t>(from_offset), out = static_cast<off_t>(to_offset);
  while (left > 0) {
    const auto copied = ::copy_file_range(from, &in, to, &out, left, 0);
    if (copied < 0 && errno == EINTR) continue;
    if (copied <= 0) return;
    left -= static_cast<std::size_t>(copied);
  }
}

}  // namespace

bool stored_version::has(std::size_t chunk) const {
  const std::lock_guard lock{mutex};
  return chunk < places.size() && (complete || have[chunk]);
}

caf::expected<open_file> stored_version::open(std::size_t file, int flags) const {
  const auto& path = manifest.files[file].path;
  open_file out{::openat(folder.get(), path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0644)};
  if (out.is_open()) return out;
  const auto code = errno == ENOENT ? errc::not_found : errc::storage_failed;
  return errno_error(to_hex(hash) + '/' + path, code);
}

caf::error stored_version::read(std::size_t chunk, std::vector<std::uint8_t>& out) const {
  const auto& at = places[chunk];
  const auto file = open(at.file, O_RDONLY);
  if (!file) return file.error();
  out.resize(at.bytes);
  return read_at(file->get(), at.offset, out, manifest.files[at.file].path);
}

bool stored_version::verify(std::size_t chunk, std::vector<std::uint8_t>& buffer) const {
  return !read(chunk, buffer) && hash_of({reinterpret_cast<const char*>(buffer.data()),
                                          buffer.size()}) == manifest.chunk_hash(chunk);
}

caf::error stored_version::mark(std::size_t chunk) {
  std::uint64_t marked = 0;
  {
    const std::lock_guard lock{mutex};
    if (removed) return no_version(hash);
    if (complete || have[chunk]) return caf::none;
    if (auto err = marks->add(chunk)) return err;
    have[chunk] = true;
    ++have_count;
    bytes_since_sync += places[chunk].bytes;
    if (bytes_since_sync < sync_every_bytes || syncing) return caf::none;
    bytes_since_sync = 0;
    syncing = true;
    marked = marks->size();
  }
  auto err = sync_files(false);
  const std::lock_guard lock{mutex};
  if (!err && !complete && !removed) err = marks->synced(marked);
  syncing = false;
  return err;
}

caf::error stored_version::sync_files(bool seal) const {
  for (std::size_t i = 0; i < manifest.files.size(); ++i) {
    const auto file = open(i, O_RDONLY);
    if (!file) return file.error();
    if (seal && ::fchmod(file->get(), 0444) != 0) return errno_error(manifest.files[i].path);
    if ((seal ? ::fsync(file->get()) : ::fdatasync(file->get())) != 0)
      return errno_error(manifest.files[i].path + ": cannot sync");
  }
  return caf::none;
}

caf::expected<bool> stored_version::take(std::size_t chunk, int from, std::uint64_t offset,
                                         take_buffers& buffers) {
  const auto& at = places[chunk];
  const auto& name = manifest.files[at.file].path;
  buffers.source.resize(at.bytes);
  const std::string_view bytes{reinterpret_cast<const char*>(buffers.source.data()), at.bytes};
  if (read_at(from, offset, buffers.source, name) || hash_of(bytes) != manifest.chunk_hash(chunk))
    return false;
  {
    const auto file = open(at.file, O_RDWR);
    if (!file) return file.error();
    copy_range(from, offset, file->get(), at.offset, at.bytes);
    // The source may have changed between the two.
    buffers.copy.resize(at.bytes);
    if (auto err = read_at(file->get(), at.offset, buffers.copy, name);
        err || buffers.copy != buffers.source) {
      if (err = write_at(file->get(), at.offset, buffers.source, name); err) return err;
    }
  }
  if (auto err = mark(chunk)) return err;
  return true;
}

caf::error stored_version::sync_folders(const std::filesystem::path& root) const {
  std::set<std::filesystem::path> folders{root};
  for (const auto& file : manifest.files)
    for (auto at = (root / file.path).parent_path(); at != root; at = at.parent_path())
      folders.insert(at);
  for (const auto& folder : folders)
    if (auto err = sync_folder(folder)) return err;
  return caf::none;
}

}  // namespace tandem
