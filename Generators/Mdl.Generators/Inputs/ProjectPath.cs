using Mdl.Compiler;

namespace Mdl.Generators.Inputs;

/// <summary>Paths relative to the project, so that nothing the generator makes depends on where the project lies.</summary>
internal static class ProjectPath
{
    /// <summary>The path of a file seen from the project directory; one above it starts with "..".</summary>
    public static string Relative(string projectDirectory, string path)
    {
        var file = Split(path);
        var project = Split(projectDirectory);
        var common = 0;
        while (common < project.Length && common < file.Length - 1 && project[common] == file[common])
        {
            common++;
        }

        // Without a common root there is no relative path; the drive letter becomes a segment like any other.
        var up = common == 0 ? [] : Enumerable.Repeat("..", project.Length - common);
        return string.Join("/", up.Concat(file.Skip(common)));
    }

    private static string[] Split(string path) =>
        ModulePath.Normalize(path).Split(['/'], StringSplitOptions.RemoveEmptyEntries).Select(segment => segment.TrimEnd(':')).ToArray();
}
