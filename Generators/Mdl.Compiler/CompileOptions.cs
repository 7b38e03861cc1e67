namespace Mdl.Compiler;

/// <summary>What the project decides about generated code.</summary>
/// <param name="Namespace">The namespace of generated types for a file without a <c>module</c> line.</param>
/// <param name="EmitIlgpu">True where the project references Mdl.Runtime.Ilgpu, so that ILGPU kernels are emitted too.</param>
public sealed record CompileOptions(string Namespace, bool EmitIlgpu);
