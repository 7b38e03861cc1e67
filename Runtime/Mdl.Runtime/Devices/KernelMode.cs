namespace Mdl.Runtime.Devices;

/// <summary>Which micro-kernels contractions stand on.</summary>
public enum KernelMode
{
    /// <summary>Assembled ones where the processor and the operating system allow it, portable ones elsewhere.</summary>
    Auto,

    /// <summary>Machine code assembled at run time for the processor at hand; an error where that is impossible. Also for short formats that the
    /// processor multiplies more slowly than single precision, where it has the instructions.</summary>
    Assembled,

    /// <summary>Plain C# on <c>Vector512/256/128</c>.</summary>
    Portable,
}

/// <summary>Reads <see cref="KernelMode"/> from the environment.</summary>
public static class KernelModes
{
    /// <summary>The variable: <c>assembled</c>, <c>portable</c> or <c>auto</c>.</summary>
    public const string Variable = "MDL_KERNELS";

    /// <summary>The mode that the environment asks for.</summary>
    /// <exception cref="ArgumentException">The variable has another value.</exception>
    public static KernelMode FromEnvironment()
    {
        var text = Environment.GetEnvironmentVariable(Variable);
        return text?.ToLowerInvariant() switch
        {
            null or "" or "auto" => KernelMode.Auto,
            "assembled" => KernelMode.Assembled,
            "portable" => KernelMode.Portable,
            _ => throw new ArgumentException($"{Variable} is '{text}', expected assembled, portable or auto."),
        };
    }
}
