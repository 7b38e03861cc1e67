using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.InteropServices;

namespace Mdl.Generators.Tests.Support;

/// <summary>The generator's assemblies compiled ahead of time, as Precompile.targets makes them where it can.</summary>
internal static class Precompiled
{
    /// <summary>The machine that tests and SDK run on, as the SDK names it.</summary>
    public static string Machine { get; } = RuntimeInformation.RuntimeIdentifier;

    /// <summary>Whether the build had the ahead-of-time compiler; without it, plain assemblies are all there is.</summary>
    public static bool Exists { get; } = Directory.Exists(Path.Combine(Repository.Root, "Generators/Mdl.Generators/bin", Configuration, "netstandard2.0", Machine));

    private static string Configuration => Path.GetFileName(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)))!;

    /// <summary>Whether an assembly has IL only, which runs on any machine.</summary>
    public static bool IsPlain(MemoryStream assembly)
    {
        var header = Reader(assembly).PEHeaders;
        return header.CorHeader!.ManagedNativeHeaderDirectory.Size == 0 && header.CorHeader.Flags.HasFlag(CorFlags.ILOnly);
    }

    /// <summary>What tells builds of an assembly apart; compiling ahead of time does not change it.</summary>
    public static Guid Identity(MemoryStream assembly)
    {
        var metadata = Reader(assembly).GetMetadataReader();
        return metadata.GetGuid(metadata.GetModuleDefinition().Mvid);
    }

    private static PEReader Reader(MemoryStream assembly)
    {
        assembly.Position = 0;
        return new(assembly, PEStreamOptions.LeaveOpen);
    }
}
