namespace Mdl.Dsl.Binding;

/// <summary>A <c>checkpoint</c> with the sizes of a preset put in.</summary>
public sealed record BoundCheckpoint(string Name, EquatableArray<BoundTensorName> Tensors, EquatableArray<BoundConfig> Config);

/// <summary>
/// The tensor names of a parameter. In Pattern only indices are left: <c>{i}</c>, <c>{i+1}</c> for the instance, <c>{e}</c> for the leading axis of
/// a tensor of experts, which the checkpoint keeps as one tensor for each.
/// </summary>
public sealed record BoundTensorName(string ParameterKey, string Pattern);

/// <summary>Keys of config.json, one of which must be there, with their values as JSON. Presence is "", "optional", "written" or "mtp".</summary>
public sealed record BoundConfig(EquatableArray<(string Key, string Json)> Keys, string Presence);
