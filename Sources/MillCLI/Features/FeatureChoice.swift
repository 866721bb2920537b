// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillFeatures

/// Which features a command is about.
struct FeatureChoice: ParsableArguments, Sendable {
  @Option(
    name: .long,
    parsing: .upToNextOption,
    help: ArgumentHelp("Features as VIEW.FEATURE, or whole views.", valueName: "feature")
  )
  var features: [String] = []

  @Option(name: .long, help: "A service whose features are wanted.")
  var service: String?

  func validate() throws {
    guard !features.isEmpty || service != nil else {
      throw ValidationError("Say which features: --features VIEW.FEATURE … or --service NAME.")
    }
  }

  /// The features that are named, then those of the service.
  func references(in definitions: FeatureDefinitions) throws -> [FeatureReference] {
    var references = try features.map { text throws(FeatureError) in
      guard let reference = FeatureReference(text) else {
        throw FeatureError.unknown(.feature, text, nearest: nil)
      }
      return reference
    }
    if let service {
      references += try definitions.features(ofService: service)
        .map { FeatureReference(view: $0.view, feature: $0.name) }
    }
    return references
  }
}
