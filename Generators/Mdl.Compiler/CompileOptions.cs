namespace Mdl.Compiler;

/// <summary>What the project decides about generated code.</summary>
/// <param name="Namespace">The namespace of generated types for a file without a <c>module</c> line.</param>
/// <param name="EmitIlgpu">True where the project references Mdl.Runtime.Ilgpu, so that ILGPU kernels are emitted too.</param>
public sealed record CompileOptions(string Namespace, bool EmitIlgpu)
{
    /// <summary>
    /// The folder that paths of <c>.mdl</c> files start from, as seen from the folder of the generated file: <c>../../</c>. Launches are then mapped to
    /// their lines of the source with <c>#line</c>; null where the folder is not known.
    /// </summary>
    public string? SourceFolder { get; init; }
}
