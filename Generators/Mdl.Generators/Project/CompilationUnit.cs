using Mdl.Dsl;
using Mdl.Generators.Inputs;

namespace Mdl.Generators.Project;

/// <summary>All that one compilation sees: a file and the files it can reach. Equal units compile to equal code.</summary>
internal sealed record CompilationUnit(MdlFile File, string Stem, EquatableArray<MdlFile> Imports)
{
    public static CompilationUnit Create(MdlFile file, ProjectIndex index, EquatableArray<MdlFile> imported)
    {
        var reached = index.Closure(file.Path);
        return new(
            file,
            index.Find(file.Path)?.Stem ?? HintNames.Sanitize(file.Path),
            imported.Where(other => reached.Contains(other.Path)).ToEquatableArray());
    }
}
