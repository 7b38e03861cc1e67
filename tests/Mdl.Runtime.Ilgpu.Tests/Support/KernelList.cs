using System.Reflection;
using Mdl.Runtime.Ilgpu.Devices;

namespace Mdl.Runtime.Ilgpu.Tests.Support;

/// <summary>Kernels that exist, to be compared with those that ran.</summary>
internal static class KernelList
{
    private static readonly IReadOnlyList<MethodInfo> Everything =
    [
        .. from assembly in (System.Reflection.Assembly[])[typeof(IlgpuDevice).Assembly, typeof(KernelList).Assembly]
           from type in assembly.GetTypes()
           where type.IsValueType
           from run in type.GetMethods(BindingFlags.Static | BindingFlags.Public)
           where run.Name == "Run" && run.ReturnType == typeof(void) && run.GetParameters() is [var arguments, ..] && arguments.ParameterType == type
           select run,
    ];

    /// <summary>Those of the runtime and of all presets of all samples and test files: structs with a method Run that takes one, and perhaps what it is compiled for.</summary>
    public static IReadOnlyList<MethodInfo> All => Everything;

    /// <summary>The fused kernels of one preset.</summary>
    public static IEnumerable<Type> Of(Type model) => Types.Where(t => t.DeclaringType?.DeclaringType == model);

    /// <summary>Those that all models share.</summary>
    public static IEnumerable<Type> OfTheRuntime => Types.Where(t => t.Assembly == typeof(IlgpuDevice).Assembly);

    private static IEnumerable<Type> Types => Everything.Select(k => k.DeclaringType!);
}
