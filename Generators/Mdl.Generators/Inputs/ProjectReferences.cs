using Microsoft.CodeAnalysis;

namespace Mdl.Generators.Inputs;

/// <summary>Facts about the assemblies that a project references.</summary>
internal static class ProjectReferences
{
    public const string IlgpuRuntime = "Mdl.Runtime.Ilgpu";

    public static bool IsIlgpuRuntime(MetadataReference reference) => reference switch
    {
        CompilationReference project => project.Compilation.AssemblyName == IlgpuRuntime,
        _ => Path.GetFileNameWithoutExtension(reference.Display) == IlgpuRuntime,
    };
}
