#include "storage/fault_file_system.hpp"

#include <utility>

#include <rocksdb/file_system.h>

#include "storage/unsynced_files.hpp"

namespace tandem::storage {

namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus check(fault_switch& faults, disk_operation operation) {
  disk_fault fault{};
  if (!faults.hit(operation, fault)) return IOStatus::OK();
  switch (fault) {
    case disk_fault::no_space:
      return IOStatus::NoSpace("injected", "No space left on device");
    case disk_fault::read_only:
      return IOStatus::IOError("injected", "Read-only file system");
    case disk_fault::io_error:
      break;
  }
  return IOStatus::IOError("injected", "Input/output error");
}

class faulty_file final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  faulty_file(std::unique_ptr<FSWritableFile>&& below, std::shared_ptr<fault_switch> faults)
      : FSWritableFileOwnerWrapper(std::move(below)), faults_(std::move(faults)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    auto status = check(*faults_, disk_operation::append);
    if (status.ok()) return target()->Append(data, options, debug);
    target()->Append(Slice(data.data(), data.size() / 2), options, debug).PermitUncheckedError();
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    auto status = check(*faults_, disk_operation::sync);
    return status.ok() ? target()->Sync(options, debug) : status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    auto status = check(*faults_, disk_operation::sync);
    return status.ok() ? target()->Fsync(options, debug) : status;
  }

 private:
  std::shared_ptr<fault_switch> faults_;
};

class faulty_folder final : public rocksdb::FSDirectory {
 public:
  faulty_folder(std::unique_ptr<FSDirectory> below, std::shared_ptr<fault_switch> faults)
      : below_(std::move(below)), faults_(std::move(faults)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    auto status = check(*faults_, disk_operation::sync);
    return status.ok() ? below_->Fsync(options, debug) : status;
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return below_->Close(options, debug);
  }

 private:
  std::unique_ptr<FSDirectory> below_;
  std::shared_ptr<fault_switch> faults_;
};

class fault_file_system final : public rocksdb::FileSystemWrapper {
 public:
  fault_file_system(const std::shared_ptr<FileSystem>& below, std::shared_ptr<fault_switch> faults)
      : FileSystemWrapper(below), faults_(std::move(faults)) {}

  static const char* kClassName() { return "TandemFaultFileSystem"; }
  const char* Name() const override { return kClassName(); }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* debug) override {
    auto status = check(*faults_, disk_operation::create);
    if (status.ok()) status = target_->NewWritableFile(path, options, result, debug);
    if (status.ok()) *result = std::make_unique<faulty_file>(std::move(*result), faults_);
    return status;
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                              IODebugContext* debug) override {
    auto status = check(*faults_, disk_operation::create);
    if (status.ok()) status = target_->ReopenWritableFile(path, options, result, debug);
    if (status.ok()) *result = std::make_unique<faulty_file>(std::move(*result), faults_);
    return status;
  }
  IOStatus CreateDir(const std::string& path, const IOOptions& options,
                     IODebugContext* debug) override {
    auto status = check(*faults_, disk_operation::create);
    return status.ok() ? target_->CreateDir(path, options, debug) : status;
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions& options,
                              IODebugContext* debug) override {
    auto status = check(*faults_, disk_operation::create);
    return status.ok() ? target_->CreateDirIfMissing(path, options, debug) : status;
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext* debug) override {
    auto status = target_->NewDirectory(path, options, result, debug);
    if (status.ok()) *result = std::make_unique<faulty_folder>(std::move(*result), faults_);
    return status;
  }

 private:
  std::shared_ptr<fault_switch> faults_;
};

}  // namespace

void fault_switch::fail(disk_operation operation, disk_fault fault, std::uint64_t passing) {
  auto& one = rules_[static_cast<std::size_t>(operation)];
  one.fault = fault;
  one.from = one.count + passing;
}

void fault_switch::clear() {
  for (auto& one : rules_) one.from = ~std::uint64_t{0};
}

std::uint64_t fault_switch::count(disk_operation operation) const {
  return rules_[static_cast<std::size_t>(operation)].count;
}

bool fault_switch::hit(disk_operation operation, disk_fault& fault) {
  auto& one = rules_[static_cast<std::size_t>(operation)];
  const auto earlier = one.count++;
  if (earlier < one.from) return false;
  fault = one.fault;
  return true;
}

std::shared_ptr<rocksdb::FileSystem> make_fault_file_system(std::shared_ptr<fault_switch> faults) {
  return std::make_shared<fault_file_system>(rocksdb::FileSystem::Default(), std::move(faults));
}

std::shared_ptr<rocksdb::FileSystem> make_hold_unsynced_file_system(
    std::shared_ptr<fault_switch> faults) {
  auto holding = make_unsynced_files(rocksdb::FileSystem::Default());
  if (!faults) return holding;
  return std::make_shared<fault_file_system>(holding, std::move(faults));
}

}  // namespace tandem::storage
