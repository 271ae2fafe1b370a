#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "actors/weights/version_store_parts.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;

struct hash_of_hash {
  std::size_t operator()(const weight_hash& hash) const {
    std::size_t out = 0;
    std::memcpy(&out, hash.data(), sizeof(out));
    return out;
  }
};

caf::error no_room(const weight_manifest& manifest, std::uint64_t missing, const std::string& why) {
  return make_error(errc::storage_failed,
                    "no room for a version of weights of " + std::to_string(manifest.bytes()) +
                        " bytes: " + std::to_string(missing) + " bytes more are needed, " + why);
}

}  // namespace

caf::error version_store::state::check_room(const weight_manifest& manifest) const {
  const auto wanted = manifest.bytes();
  std::uint64_t used = 0;
  for (const auto& version : all()) used += version->manifest.bytes();
  if (used > limits.bytes_max || wanted > limits.bytes_max - used)
    return no_room(manifest, used + wanted - limits.bytes_max,
                   "beyond the limit of " + std::to_string(limits.bytes_max) +
                       " for all versions; remove old ones");
  struct statvfs disk = {};
  if (::statvfs(folder.c_str(), &disk) != 0) return errno_error(folder.string());
  const auto free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  if (free < limits.free_bytes_min || wanted > free - limits.free_bytes_min)
    return no_room(manifest, wanted + limits.free_bytes_min - free,
                   "on the disk of " + folder.string() + " with " + std::to_string(free) +
                       " free, " + std::to_string(limits.free_bytes_min) + " of them kept free");
  return caf::none;
}

caf::error version_store::state::allocate(stored_version& version) const {
  const auto root = incoming_path(version.hash);
  std::error_code failure;
  fs::create_directories(root, failure);
  if (failure) return make_error(errc::storage_failed, root.string() + ": " + failure.message());
  version.folder = open_file{::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!version.folder.is_open()) return errno_error(root.string());
  for (std::size_t i = 0; i < version.manifest.files.size(); ++i) {
    const auto& file = version.manifest.files[i];
    fs::create_directories((root / file.path).parent_path(), failure);
    if (failure)
      return make_error(errc::storage_failed,
                        (root / file.path).string() + ": " + failure.message());
    const auto opened = version.open(i, O_RDWR | O_CREAT | O_EXCL);
    if (!opened) return opened.error();
    if (file.bytes == 0) continue;
    const auto size = static_cast<off_t>(file.bytes);
    if (::fallocate(opened->get(), 0, 0, size) == 0) continue;
    // A file system that cannot keep room gives it as the bytes come.
    if (errno != EOPNOTSUPP || ::ftruncate(opened->get(), size) != 0)
      return errno_error((root / file.path).string() + ": no room for " +
                         std::to_string(file.bytes) + " bytes");
  }
  return version.sync_folders(root);
}

caf::expected<version_ptr> version_store::state::make_room(const std::string& manifest_bytes) {
  const auto hash = hash_of(manifest_bytes);
  const std::lock_guard held{changing};
  if (auto known = find(hash)) return known;
  auto manifest = decode_manifest(manifest_bytes);
  if (!manifest) return std::move(manifest.error());
  auto version = std::make_shared<stored_version>();
  version->manifest = std::move(*manifest);
  version->hash = hash;
  const auto count = version->manifest.chunk_count();
  for (std::size_t i = 0; i < count; ++i) version->places.push_back(version->manifest.place(i));
  version->have.resize(count);
  if (auto err = check_room(version->manifest)) return err;
  auto err = write_durably(manifest_path(hash), manifest_bytes);
  if (!err) err = allocate(*version);
  if (!err) {
    // Last: without marks it is only half begun.
    auto marks = chunk_marks::create(marks_path(hash));
    if (marks)
      version->marks = std::move(*marks);
    else
      err = std::move(marks.error());
  }
  if (err) {
    ::unlink(marks_path(hash).c_str());
    static_cast<void>(throw_away(incoming_path(hash)));
    ::unlink(manifest_path(hash).c_str());
    return err;
  }
  const std::lock_guard lock{mutex};
  versions.emplace(hash, version);
  return version;
}

caf::error version_store::state::take_equal_chunks(stored_version& version) const {
  std::unordered_map<weight_hash, std::vector<std::size_t>, hash_of_hash> wanted;
  for (std::size_t i = 0; i < version.places.size(); ++i)
    if (!version.has(i)) wanted[version.manifest.chunk_hash(i)].push_back(i);
  take_buffers buffers;
  for (const auto& other : all()) {
    if (wanted.empty()) return caf::none;
    if (other.get() == &version) continue;
    {
      const std::lock_guard lock{other->mutex};
      if (!other->complete) continue;
    }
    open_file file;
    auto opened = other->manifest.files.size();
    for (std::size_t i = 0; i < other->places.size(); ++i) {
      const auto found = wanted.find(other->manifest.chunk_hash(i));
      if (found == wanted.end()) continue;
      const auto& at = other->places[i];
      if (at.file != opened) {
        auto next = other->open(at.file, O_RDONLY);
        // Removed meanwhile: what it had is fetched.
        if (!next) break;
        file = std::move(*next);
        opened = at.file;
      }
      bool all_taken = true;
      for (const auto chunk : found->second) {
        if (version.places[chunk].bytes != at.bytes) continue;
        const auto taken = version.take(chunk, file.get(), at.offset, buffers);
        if (!taken) return taken.error();
        all_taken = all_taken && *taken;
      }
      if (all_taken) wanted.erase(found);
    }
  }
  return caf::none;
}

caf::error version_store::add(const weight_manifest& manifest, const fs::path& source,
                              const std::atomic<bool>* stop) {
  const auto known = state_->find(hash_of(encode(manifest))) != nullptr;
  auto made = state_->make_room(encode(manifest));
  if (!made) return std::move(made.error());
  auto& version = **made;
  const auto give_up = [&](caf::error why) {
    // What a fetch has begun is left to it.
    if (!known) static_cast<void>(remove(version.hash));
    return why;
  };
  std::error_code failure;
  const auto alone = fs::is_regular_file(source, failure);
  if (alone && manifest.files.size() != 1)
    return give_up(make_error(errc::invalid_argument, source.string() + ": one file, but " +
                                                          std::to_string(manifest.files.size()) +
                                                          " are in the manifest"));
  take_buffers buffers;
  open_file file;
  auto opened = manifest.files.size();
  for (std::size_t i = 0; i < version.places.size(); ++i) {
    if (version.has(i)) continue;
    if (stop != nullptr && stop->load(std::memory_order_relaxed))
      return give_up(make_error(errc::cancelled, "adding weights was stopped"));
    const auto& at = version.places[i];
    const auto path = alone ? source : source / manifest.files[at.file].path;
    if (at.file != opened) {
      auto next = open_to_read(path);
      if (!next) return give_up(std::move(next.error()));
      file = std::move(*next);
      opened = at.file;
    }
    auto taken = version.take(i, file.get(), at.offset, buffers);
    if (!taken) return give_up(std::move(taken.error()));
    if (!*taken)
      return give_up(make_error(errc::corrupted, path.string() + ": at byte " +
                                                     std::to_string(at.offset) +
                                                     " it is not what it was when it was read; add "
                                                     "it again"));
  }
  auto err = finish(version.hash);
  return err ? give_up(std::move(err)) : err;
}

}  // namespace tandem
